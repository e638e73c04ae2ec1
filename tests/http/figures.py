"""The metrics of a service, read as Prometheus reads them."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.http.api import PREFIX


class Metrics:
    """Every figure at one moment."""

    def __init__(self, text: str) -> None:
        self.text = text
        families = list(text_string_to_metric_families(text))
        self.types = {family.name: family.type for family in families}
        """Type by name; a counter's name is without its `_total`."""
        self.samples = [sample for family in families for sample in family.samples]

    @property
    def names(self) -> set[str]:
        """The names of all series."""
        return {sample.name for sample in self.samples}

    def value(self, name: str, **labels: str) -> float:
        """The sum of the series of this name that have these labels."""
        return sum(
            sample.value for sample in self.samples if sample.name == name and labels.items() <= sample.labels.items()
        )


async def metrics_of(session: aiohttp.ClientSession) -> Metrics:
    """Ask the service of a session whose base URL is its root."""
    async with session.get(f"{PREFIX}/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return Metrics(await response.text())


class Watch:
    """How far figures have risen since the beginning."""

    def __init__(self, session: aiohttp.ClientSession, before: Metrics) -> None:
        self._session = session
        self._before = before

    async def risen(self, name: str, **labels: str) -> float:
        """By how much the sum of these series has risen."""
        return (await metrics_of(self._session)).value(name, **labels) - self._before.value(name, **labels)


async def watch(session: aiohttp.ClientSession) -> Watch:
    """Begin to watch."""
    return Watch(session, await metrics_of(session))

"""Asset types."""

from msgspec import UNSET, UnsetType

from wallet_client.calls.paging import by_page, segment
from wallet_client.exchange import Page, Retry, Steps, fetch
from wallet_client.postings import Id, camel, given, key_of
from wallet_client.resources import AssetType, Change


def list_asset_types(retry: Retry) -> Steps[list[AssetType]]:
    """Give all asset types, by symbol."""
    return (yield from fetch(retry, list[AssetType], "GET", "/asset-types"))


def create_asset_type(
    retry: Retry,
    symbol: str,
    name: str,
    *,
    description: str | None = None,
    decimals: int | None = None,
    key: str | None = None,
) -> Steps[AssetType]:
    """Make an asset type; `decimals` can never be changed, and are 4 unless given."""
    body = given(symbol=symbol, name=name, description=description, decimals=decimals)
    return (yield from fetch(retry, AssetType, "POST", "/asset-types", body=body, key=key_of(key)))


def change_asset_type(
    retry: Retry,
    asset_type_id: Id,
    reason: str,
    *,
    name: str | UnsetType = UNSET,
    description: str | UnsetType | None = UNSET,
    is_active: bool | UnsetType = UNSET,
    key: str | None = None,
) -> Steps[AssetType]:
    """Rename an asset type, or switch it off or on; what is not given stays as it is."""
    body = changes(reason=reason, name=name, description=description, is_active=is_active)
    path = f"/asset-types/{segment(asset_type_id)}"
    return (yield from fetch(retry, AssetType, "PATCH", path, body=body, key=key_of(key)))


def list_asset_type_changes(retry: Retry, place: str, asset_type_id: Id) -> Steps[Page[Change]]:
    """Give the changes of an asset type, its making among them."""
    return (yield from by_page(retry, Change, f"/asset-types/{segment(asset_type_id)}/history", place))


def changes(**fields: object) -> dict[str, object]:
    """Give the fields that are set, named as the wallet names them; None is a value."""
    return {camel(name): value for name, value in fields.items() if value is not UNSET}

"""Generating HTTP load: with wrk from the system, else with the small client of `bench.client`."""

import json
import shutil
import subprocess
import sys
import tempfile
import uuid
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from bench.measured import Measured, Unavailable
from bench.traffic import Traffic

#: More than any measurement sends.
COUNT_UNLIMITED = 2**31

_RESULT_MARK = "bench-result "
_CHECKOUT = Path(__file__).resolve().parents[1]

# Everything that can be is made before the first request: a request is then three strings and a random number.
_WRK_SCRIPT = """\
local parts = {%s}
local heads, tails, made = {}, {}, 0
for _, part in ipairs(parts) do
  heads[#heads + 1], tails[#tails + 1] = part[1], part[2]
end
math.randomseed(%d)
request = function()
  made = made + 1
  if made > %d then
    wrk.thread:stop()
  end
  local index = math.random(#heads)
  return heads[index] .. "%s-" .. made .. tails[index]
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n%s{"count":%%d,"seconds":%%f,"p50_ms":%%f,"p99_ms":%%f,"refused":%%d,"broken":%%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""


def generator_name() -> str:
    """The load generator in use, with its version."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return "bench/client.py (wrk is not installed)"
    answer = subprocess.run([wrk, "-v"], capture_output=True, text=True, check=False, timeout=10)
    return " ".join((answer.stdout + answer.stderr).split()[:2])


def send(base_url: str, traffic: Traffic, connections: int, seconds: int, count_max: int = COUNT_UNLIMITED) -> Measured:
    """Sends requests over keep-alive connections, each at once when the one before on its connection is answered.

    It ends after `seconds`, also when `count_max` requests were sent before; then the rate means nothing.

    Raises:
        Unavailable: an answer was a refusal or did not come.
    """
    # A prefix of its own, so that no key of one measurement comes again in another.
    prefix = uuid.uuid4().hex[:12]
    wrk = shutil.which("wrk")
    if wrk is not None:
        result = _send_by_wrk(wrk, base_url, traffic, connections, seconds, prefix, count_max)
    else:
        result = _send_by_client(base_url, traffic, connections, seconds, prefix, count_max)
    if result["refused"] or result["broken"] or not result["count"]:
        raise Unavailable(
            f"Of {result['count']:.0f} answers {result['refused']:.0f} were refusals, "
            f"and {result['broken']:.0f} requests failed or timed out."
        )
    return Measured(int(result["count"]), result["seconds"], result["p50_ms"], result["p99_ms"])


def _send_by_wrk(
    wrk: str, base_url: str, traffic: Traffic, connections: int, seconds: int, prefix: str, count_max: int
) -> dict[str, float]:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_wrk_script(traffic, prefix, count_max))
        script.flush()
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script.name, base_url]
        output = _run(command, seconds)
    line = next((line for line in output.splitlines() if line.startswith(_RESULT_MARK)), None)
    if line is None:
        raise Unavailable("wrk gave no result.")
    result: dict[str, float] = json.loads(line.removeprefix(_RESULT_MARK))
    return result


def _wrk_script(traffic: Traffic, prefix: str, count_max: int) -> str:
    # JSON's escapes for what is in a request (quotes, CR, LF) are Lua's too.
    rows = ",\n".join(f"{{{json.dumps(head)},{json.dumps(tail)}}}" for head, tail in traffic.all_parts())
    return _WRK_SCRIPT % (rows, int(prefix[:7], 16), count_max, prefix, _RESULT_MARK)


def _send_by_client(
    base_url: str, traffic: Traffic, connections: int, seconds: int, prefix: str, count_max: int
) -> dict[str, float]:
    address = urlsplit(base_url)
    order = {
        "host": address.hostname,
        "port": address.port,
        "traffic": asdict(traffic),
        "connections": connections,
        "seconds": seconds,
        "prefix": prefix,
        "count_max": count_max,
    }
    result: dict[str, float] = json.loads(_run([sys.executable, "-m", "bench.client"], seconds, json.dumps(order)))
    return result


def _run(command: list[str], seconds: int, standard_input: str | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            input=standard_input,
            cwd=_CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 30,
        )
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout or "").strip().splitlines() or ["it said nothing"]
        raise Unavailable(f"The load generator failed: {lines[-1]}.") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable("The load generator did not end.") from error
    return done.stdout

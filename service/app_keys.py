"""What the application's handlers share, under typed keys."""

from collections.abc import Sequence

from aiohttp import web

from service.api_keys import ApiKey, KeyRing
from service.batching import Batcher
from service.database import Pool
from service.dry_runs import DryRuns
from service.events import EventFeed
from service.http.description.serving import Description
from service.monitor import Monitor
from service.posting import PostingAnswer, PostingRequest
from service.posting_queue import PostingQueue
from service.reading import ReadBatcher
from service.statements import Statements
from service.trial_balance import TrialBalances
from service.webhooks.delivering import Deliverer

POOL = web.AppKey("POOL", Pool)
POSTINGS = web.AppKey("POSTINGS", PostingQueue)
ATOMIC_POSTINGS = web.AppKey("ATOMIC_POSTINGS", Batcher[Sequence[PostingRequest], list[PostingAnswer]])
DRY_RUNS = web.AppKey("DRY_RUNS", DryRuns)
ACCOUNTS = web.AppKey("ACCOUNTS", ReadBatcher)
BALANCES = web.AppKey("BALANCES", ReadBatcher)
TRANSACTIONS = web.AppKey("TRANSACTIONS", ReadBatcher)
HOLDS = web.AppKey("HOLDS", ReadBatcher)
EVENTS = web.AppKey("EVENTS", EventFeed)
STATEMENTS = web.AppKey("STATEMENTS", Statements)
TRIAL_BALANCES = web.AppKey("TRIAL_BALANCES", TrialBalances)
MONITOR = web.AppKey("MONITOR", Monitor)
TRIAL_BALANCES = web.AppKey("TRIAL_BALANCES", TrialBalances)
KEY_RING = web.AppKey("KEY_RING", KeyRing)
DESCRIPTION = web.AppKey("DESCRIPTION", Description)
DELIVERER = web.AppKey("DELIVERER", Deliverer)
ANY_WEBHOOK_TARGET = web.AppKey("ANY_WEBHOOK_TARGET", bool)
REQUEST_ID = web.RequestKey("REQUEST_ID", str)
CALLER = web.RequestKey("CALLER", ApiKey)
REFUSAL_CODE = web.ResponseKey("REFUSAL_CODE", str)

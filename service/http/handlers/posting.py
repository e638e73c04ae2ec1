"""What the posting endpoints share: from a posting to its answer."""

from aiohttp import web

from service import app_keys
from service.http import envelope
from service.http.auth import admit
from service.http.outcomes import outcome_of, would_be_outcomes
from service.http.queries import is_dry_run
from service.posting import PostingRequest


async def answer_posting(request: web.Request, posting: PostingRequest) -> web.Response:
    """Posts, or only tries when the query says `dryRun=true`, and answers.

    Raises:
        Refusal: it is not the caller's to post; unavailable; validation_failed for a bad `dryRun`.
        Exception: what posting it raised.
    """
    dry = is_dry_run(request)
    await admit(request, posting)
    if dry:
        answers = await request.app[app_keys.DRY_RUNS].submit([posting])
        (outcome,) = would_be_outcomes([posting], answers)
    else:
        outcome = outcome_of(await request.app[app_keys.POSTINGS].submit(posting))
    headers = {"Idempotency-Replayed": "true"} if outcome.replayed else None
    return envelope.response(outcome.body, outcome.status, headers, outcome.code)

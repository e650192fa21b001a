"""The hub's and the network's errors in our words.

Nothing of what they say themselves is passed on, but for a status: their texts hold addresses, which may be
signed, and what a proxy puts into a page.
"""

from __future__ import annotations

import httpx2
from huggingface_hub import get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

from clip_core.encoders.hub_cache import hub_host
from clip_core.errors import DownloadError, EncoderError
from clip_core.files import is_full
from clip_core.text import single_line

WAYS_OUT = "Use a model's folder, the Roboflow server or the sample model instead."
# Worth another try a moment later: too many requests, and servers that are ill.
PASSING = frozenset({408, 429, 500, 502, 503, 504})


def fault(error: BaseException, model_id: str) -> EncoderError:
    """Translate what was raised while ``model_id`` was asked for or fetched."""
    if isinstance(error, EncoderError):
        return error
    if isinstance(error, OfflineModeIsEnabled):
        return DownloadError(
            f"HF_HUB_OFFLINE is set, so {model_id} is not downloaded.", f"Unset it and start again. {WAYS_OUT}"
        )
    if isinstance(error, HfHubHTTPError):
        return status_fault(error.response, model_id)
    if isinstance(error, HFValidationError):
        return DownloadError(f"{single_line(model_id, 60)} cannot be a repository on the hub.", "Check the name.")
    if isinstance(error, httpx2.TimeoutException):
        return DownloadError(f"{hub_host()} does not answer.", f"Try again later. {WAYS_OUT}")
    if isinstance(error, httpx2.HTTPError | httpx2.InvalidURL):
        return DownloadError(
            f"{hub_host()} cannot be reached ({type(error).__name__}).",
            f"Check the network, the proxy and HF_ENDPOINT. {WAYS_OUT}",
        )
    if isinstance(error, OSError):
        return disk_fault(error, model_id)
    return DownloadError(f"{model_id} could not be downloaded ({type(error).__name__}).", "Try again.")


def answer_fault(error: BaseException, model_id: str) -> EncoderError:
    """Translate what was raised while the hub's answer about ``model_id`` was asked for and read."""
    strange = isinstance(error, ValueError | TypeError | KeyError | AttributeError)  # no JSON, or not the hub's
    return web_page(model_id) if strange and not isinstance(error, HFValidationError) else fault(error, model_id)


def status_fault(response: httpx2.Response, model_id: str, file: str = "") -> DownloadError:
    """Translate an answer that is no success; its body is not looked at."""
    status, code = response.status_code, response.headers.get("X-Error-Code", "")
    what = f"{file} of {model_id}" if file else model_id
    if code == "GatedRepo":
        return DownloadError(
            f"{model_id} is gated: its publisher lets only those have it who accepted the terms.",
            f"Accept them on its page on the hub, and {_token_hint()}",
        )
    if response.headers.get("X-Error-Message", "").startswith("Invalid credentials"):
        return DownloadError("The hub does not accept the token.", "Correct or unset HF_TOKEN.")
    if code == "RevisionNotFound":
        return DownloadError(f"{model_id} has no such revision.", "Check what stands behind the @.")
    if code == "EntryNotFound":
        return DownloadError(f"The hub has no {what}.", "Try again; if it stays so, use another model.")
    if code == "RepoNotFound" or status in (401, 404):
        return DownloadError(
            f"There is no model {model_id} on the hub, or it is private.",
            f"Check the name; for a private one {_token_hint()}",
        )
    if status == 403:
        return DownloadError(f"The hub refuses {what} (403).", f"If it is private or gated, {_token_hint()}")
    if status == 429:
        return DownloadError("The hub takes no more requests from here for now (429).", "Try again in some minutes.")
    return DownloadError(f"The hub answered {status} for {what}.", f"Try again later. {WAYS_OUT}")


def web_page(what: str) -> DownloadError:
    """Something between here and the hub, or a wrong HF_ENDPOINT, answered with a page of its own."""
    return DownloadError(
        f"Instead of {what}, {hub_host()} sent something else, such as a proxy's web page.",
        "Log in to the network, or correct the proxy and HF_ENDPOINT.",
    )


def disk_fault(error: OSError, model_id: str) -> DownloadError:
    """Translate what the cache's disk says."""
    if is_full(error):
        return DownloadError(
            f"The disk is full: {model_id} has no room in huggingface_hub's cache.",
            "Free some space and start again: it goes on where it stopped. HF_HOME moves the cache.",
        )
    return DownloadError(
        f"huggingface_hub's cache cannot be written ({error.strerror or type(error).__name__}).",
        "Check its permissions, or move it with HF_HOME.",
    )


def _token_hint() -> str:
    return "check that HF_TOKEN may read it." if get_token() else "set HF_TOKEN to a token that may read it."

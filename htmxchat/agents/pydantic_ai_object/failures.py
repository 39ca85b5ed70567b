"""Errors of a Pydantic AI run, as sentences for the user."""

from __future__ import annotations

from pydantic_ai import exceptions as e

from ...errors import BackendError

_SENTENCES: tuple[tuple[type[BaseException], str], ...] = (
    (e.ModelAuthenticationError, "The model's provider refused the key of this chat. Tell its operator."),
    (e.ModelQuotaExceededError, "The model's quota for this chat is used up. Tell its operator."),
    (e.ModelRateLimitError, "The model has been asked too much at once. Try again {when}."),
    (e.ModelContextWindowExceededError, "The conversation is too long for the model. Begin a new one."),
    (e.ModelNotFoundError, "The model that this chat asks for does not exist. Tell its operator."),
    (e.ModelRequestTimeout, "The model took too long to answer. Try again."),
    (e.ModelTimeoutError, "The model took too long to answer. Try again."),
    (e.ModelConnectionError, "The model cannot be reached right now. Try again {when}."),
    (e.ModelUnavailableError, "The model is not available right now. Try again {when}."),
    (e.ModelServerError, "The model's provider has failed. Try again {when}."),
    (e.ModelRequestRejectedError, "The model's provider refused the request. Tell the operator of this chat."),
    (e.ModelAPIError, "The model's provider could not answer. Try again {when}."),
    (e.ContentFilterError, "The model's provider withheld the answer. Ask in other words."),
    (e.OutputTokenLimitExceeded, "The answer is longer than the model may write. Ask for less at a time."),
    (e.UnexpectedModelBehavior, "The model's answer could not be used. Try again."),
    (e.UsageLimitExceeded, "The answer took more steps or tokens than this chat allows. Ask for less at a time."),
    (e.ConcurrencyLimitExceeded, "The model is busy with other answers. Try again in a moment."),
    (e.RunTimedOut, "The answer took longer than this chat allows. Ask for less at a time."),
)


def explained(error: BaseException) -> BackendError | None:
    """Return the error with a sentence for the user; `None` for errors without one, such as a bug."""
    if isinstance(error, e.FallbackExceptionGroup) and error.exceptions:
        return explained(error.exceptions[-1])
    sentence = next((text for kind, text in _SENTENCES if isinstance(error, kind)), None)
    if sentence is None:
        return None
    after = getattr(error, "retry_after", None)
    return BackendError(sentence.format(when=f"in {after:,.0f} seconds" if after else "in a moment"))

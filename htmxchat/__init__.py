"""An agent chat that any ASGI host mounts in one line: `app.mount("/chat", create_chat_app(backend))`."""

from .app import chat_lifespan, create_chat_app
from .backend import Backend, CanDelete, CanRename, CanRetry, CanSearch, HasStarters, Managed
from .backends.kogwistar import KogwistarBackend, KogwistarLogin
from .backends.local import LocalBackend
from .backends.stub import StubBackend
from .errors import (
    BackendError,
    BackendUnavailable,
    BadRequest,
    BodyTooLarge,
    Busy,
    ChatError,
    CrossOrigin,
    EmptyText,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TextTooLong,
)
from .events import (
    JSON,
    EventBody,
    InputAnswered,
    InputRequested,
    Outcome,
    ReasoningDelta,
    RunEnded,
    RunEvent,
    RunStarted,
    RunStopping,
    ScriptProposed,
    Source,
    SourcesFound,
    StageChanged,
    TextDelta,
    TextReplaced,
    ToolFinished,
    ToolStarted,
    Unknown,
    UsageReported,
)
from .identity import Identify
from .limits import Limits
from .login import Login, SignInAt
from .models import Conversation, ConversationPage, Run, RunState, Starter, Transcript, Turn, User
from .responders import Request
from .store import Store
from .view import RunView, fold

__version__ = "0.1.0"

__all__ = [
    "JSON",
    "Backend",
    "BackendError",
    "BackendUnavailable",
    "BadRequest",
    "BodyTooLarge",
    "Busy",
    "CanDelete",
    "CanRename",
    "CanRetry",
    "CanSearch",
    "ChatError",
    "Conversation",
    "ConversationPage",
    "CrossOrigin",
    "EmptyText",
    "EventBody",
    "HasStarters",
    "Identify",
    "InputAnswered",
    "InputRequested",
    "InvalidInput",
    "KogwistarBackend",
    "KogwistarLogin",
    "Limits",
    "LocalBackend",
    "Login",
    "Managed",
    "NotAllowed",
    "NotFound",
    "NotSignedIn",
    "Outcome",
    "ReasoningDelta",
    "Request",
    "Run",
    "RunEnded",
    "RunEvent",
    "RunStarted",
    "RunState",
    "RunStopping",
    "RunView",
    "ScriptProposed",
    "SignInAt",
    "Source",
    "SourcesFound",
    "StageChanged",
    "Starter",
    "Store",
    "StubBackend",
    "TextDelta",
    "TextReplaced",
    "TextTooLong",
    "ToolFinished",
    "ToolStarted",
    "Transcript",
    "Turn",
    "Unknown",
    "UsageReported",
    "User",
    "__version__",
    "chat_lifespan",
    "create_chat_app",
    "fold",
]

"""The promises of `htmxchat.backend`, as tests that any backend can be put to."""

from __future__ import annotations

from .abilities import AbilityPromises
from .conversations import ConversationPromises
from .files import FilePromises
from .runs import RunPromises
from .scripts import ScriptPromises


class BackendConformance(RunPromises, ConversationPromises, AbilityPromises, ScriptPromises, FilePromises):
    """Subclass it in a test module, under a name that begins with Test, and say how to make a backend.

    Every test makes its own backend and closes it. The tests use anyio's pytest plugin: an `anyio_backend` fixture
    chooses the event loop. What a backend cannot do is skipped, with the reason.

    Attributes:
        prompt: A text that gets an answer.
        long_prompt: A text whose answer continues until it is stopped, or for a minute at least. Without one, the tests
            that need an active run are skipped.
        asking_prompt: A text on which the agent first asks the user something. Without one, that is skipped.
        answer: What to answer then.
        proposing_prompt: A text on which the agent proposes a script and waits for its result. Without one, that is
            skipped.
        user, other_user: Two users with access to the backend.
        unknown_id: Formed like an id of this backend, but of nothing.
        patience: How many seconds anything may take.
        runs_outlive_close: Whether runs continue elsewhere when the backend is closed, so that closing only ends
            reading.
    """

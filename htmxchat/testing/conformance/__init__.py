"""Conformance tests for backends: the contracts of `htmxchat.backend`."""

from __future__ import annotations

from .abilities import AbilityPromises
from .branches import BranchPromises
from .conversations import ConversationPromises
from .files import FilePromises
from .forms import FormPromises
from .runs import RunPromises
from .scripts import ScriptPromises
from .taking import TakingPromises


class BackendConformance(
    RunPromises,
    ConversationPromises,
    AbilityPromises,
    BranchPromises,
    ScriptPromises,
    FilePromises,
    FormPromises,
    TakingPromises,
):
    """Subclass it in a test module, with a name that begins with Test, and override `make_backend`.

    Every test makes its own backend and closes it. The tests use anyio's pytest plugin: an `anyio_backend` fixture
    chooses the event loop. Tests of optional protocols that a backend does not implement are skipped.

    Attributes:
        prompt: A message that gets an answer.
        long_prompt: A message whose answer takes until it is stopped, or at least a minute. Without one, the tests that
            need an active run are skipped.
        asking_prompt: A message for which the agent first asks the user a question. Without one, its test is skipped.
        answer: The answer to that question.
        form_prompt: A message for which the agent first asks the user with a JSON Schema. Without one, its tests are
            skipped.
        form_answer: An answer that fits the schema.
        proposing_prompt: A message for which the agent proposes a script and waits for its result. Without one, its
            test is skipped.
        user, other_user: Two users with access to the backend.
        unknown_id: An id with the backend's format that does not exist.
        patience: The timeout of each step, in seconds.
        runs_outlive_close: Whether runs continue elsewhere when the backend is closed, so that closing only ends
            the readers.
    """

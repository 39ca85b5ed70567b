"""What a trial showed, as a short table."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles

from tests.fleet.conversation import Conversation
from tests.fleet.trial import Plan, Result, outcomes


def report(plan: Plan, result: Result) -> str:
    """Return the table."""
    everybody = [*result.users, *result.newcomers]
    complete = [user for user in result.users if result.verdicts[user.name].outcome == "completed"]
    took = [(user.ended or 0.0) - (user.taken or 0.0) for user in complete]
    rows = [
        ("conversations begun at once, and meanwhile", f"{len(result.users)}, {len(result.newcomers)}"),
        *((f"answers of the agent `{agent}`", _counted(outcomes(result, agent))) for agent in plan.agents),
        *((f"answers being written: {name}", f"{count}") for name, count in result.live.items()),
        ("readers cut, connections made", f"{_sum(everybody, 'cuts')}, {_sum(everybody, 'connections')}"),
        ("messages sent again", f"{sum(len(user.refused) for user in everybody)}"),
        ("from sending to its page, median and p95", _spread([(user.taken or 0) - user.sent for user in everybody])),
        (f"{plan.words} words, asked for {plan.words / plan.rate:g} s, median and p95", _spread(took)),
        ("longest silence of a reader, median and p95", _spread([user.silence for user in result.users])),
        ("words a second that reached their readers", f"{_words(result):,.0f}"),
        ("all together", f"{result.seconds:.1f} s"),
        ("CPU of the processes, of one core", f"{100 * result.cpu / result.seconds:.0f}%"),
        ("promises broken", f"{len(result.broken)}"),
    ]
    wide = max(len(name) for name, _ in rows) + 4
    return "\n".join(f"  {name:{wide}}{value}" for name, value in rows)


def _words(result: Result) -> float:
    everybody = [*result.users, *result.newcomers]
    return sum(user.words * user.progress for user in everybody) / result.seconds


def _sum(users: Sequence[Conversation], name: str) -> int:
    return sum(getattr(user, name) for user in users)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))


def _spread(seconds: Sequence[float]) -> str:
    if len(seconds) < 2:
        return "–"
    cuts = quantiles(seconds, n=20, method="inclusive")
    return f"{cuts[9]:.2f} s, {cuts[18]:.2f} s"

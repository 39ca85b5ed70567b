"""What the demo agent says."""

from __future__ import annotations

from ..events import Source

SLOW_PER_WORD = 25

RUNBOOK = """\
# When the nightly import fails

The import copies yesterday's bookings from the partners into **Larkspur**. It starts at 01:30 and takes about
40 minutes. When it fails, *nothing is lost*: the files stay in the inbox, and every step can be repeated.

## Look first

| Step | Usual time | Rows a night | Retries |
|:-----|-----------:|-------------:|:-------:|
| Fetch | 4 min | 1,180,400 | 3 |
| Check | 11 min | 1,180,400 | 0 |
| Merge | 22 min | 96,315 | 1 |
| Report | 2 min | 14 | 3 |

1. Open the [import board](https://board.example/imports) and find the first red step.
2. Read its last lines:
   - `E101` means that a partner's file is missing
     - before 03:00, wait: they are sometimes late
     - after 03:00, go on without it
   - `E204` means that a file has an unknown column
   - anything else is ours
3. Repeat the step. Most failures are gone the second time.

> **Never** repeat *Merge* while *Report* runs. Both write to `daily_totals`, and the later one wins.

## Repeat a step

From any machine with access to the cluster:

```sh
larkctl import status --night 2026-11-14
larkctl import retry merge --night 2026-11-14 --only-failed
```

The same from Python, when more than one night has to be caught up:

```python
from datetime import date, timedelta

night = date(2026, 11, 12)
while night <= date(2026, 11, 14):
    print("merging", night.isoformat())
    night += timedelta(days=1)
```

## Before you close the incident

- [x] The board is green
- [x] `daily_totals` has one row for each partner
- [ ] Support knows which partners were late
- [ ] The [incident note](https://docs.example/incidents/template) names the step and the cause

If the same step fails two nights in a row, do not repeat it a third time. Call the owner of the step instead.
"""

LATENCY_ANSWER = """\
Checkout became slow because **pricing** was deployed two minutes earlier.

- At 14:30 the p95 of checkout went from about 215 ms to 741 ms and stayed there [1].
- Deploy `d-4127` at 14:28 made pricing ask for seat rules once for each passenger, not once for each booking [2].
  A family of four now waits for four calls instead of one, which matches the slowdown:
  \\(3 \\times 175\\,\\text{ms} \\approx 741\\,\\text{ms} - 215\\,\\text{ms}\\).
- The runbook says to roll back first and to look for a better fix afterwards [3].

I suggest rolling `d-4127` back now.[^1] The p95 should be below 250 ms within five minutes.

> [!WARNING]
> Bookings that are being paid for are asked for their price again after the rollback.

[^1]: It takes about a minute, and nothing is lost.

"""

PYTHON = """\
import statistics

times = [212, 208, 219, 741, 768, 752, 230, 224, 241, 215, 209, 690]

for value in sorted(times):
    print(f"{value:4} ms ", "#" * (value // 20))

shares = zip((25, 50, 75), statistics.quantiles(times, n=4))
[{"share": "mean", "ms": round(statistics.mean(times))}] + [
    {"share": f"p{share}", "ms": round(value)} for share, value in shares
]
"""

PYTHON_QUESTION = """\
The mean says little here: four slow requests pull it far above what most people felt. I would rather compute quantiles
than guess them. The script is short; read it, approve it, and I will continue with its result.

"""

PYTHON_DONE = """\
It ran in your browser, in **{seconds:.2f} s**. Two groups show at once: eight requests near 220 ms, and four around
750 ms. Half of all requests took less than 228 ms, so a mean of 392 ms describes nobody.

To see how far the slow ones lie from the rest, run this as well:

```python
slow, fast = [741, 768, 752, 690], [212, 208, 219, 230, 224, 241, 215, 209]
print(round(sum(slow) / len(slow) / (sum(fast) / len(fast)), 1), "times slower")
```
"""

PYTHON_NOT = """\
Then without the script. {why}

By eye: eight requests near 220 ms, and four around 750 ms. A mean would hide that.
"""

QUEUE_THOUGHT = "The queue grows while the workers look idle, so they wait for something. Which deploy came before it?"

QUEUE_SEEN = "The workers are up but send almost nothing. I am looking at what changed and at what they wait for."

QUEUE_SOURCES = (
    Source("Deploy n-212", "https://deploys.example/n-212", "Notifier, 14:08", "keep-alive 60 s to 90 s"),
    Source(
        "Mail relay, limits and timeouts", "https://docs.example/relay", "Limits", "An idle connection ends at 60 s"
    ),
    Source("Runbook: restart a pool", None, "section 2", "A restart during the day is allowed"),
)

QUEUE_CAUSE = """\
Deploy `n-212` at 14:08 keeps connections to the mail relay for 90 s.[1] The relay closes an idle connection \
after 60 s and says nothing,[2] so each worker waits for a reply that never comes. A restart clears it; the runbook \
allows one during the day.[3]
"""

QUEUE_RESTARTED = "Restarted, one after the other. Two scripts compare before and after, if you let them run."

QUEUE_LATER = "Noted for **02:00**. Two scripts compare the queue then and now, if you let them run."

QUEUE_RATES = """\
minutes = {"14:00": (204, 118, 119), "14:10": (231, 121, 112), "14:20": (1102, 119, 32), "14:32": (1904, 116, 31),
           "14:36": (640, 118, 434), "14:40": (248, 117, 215)}
[{"Time": time, "Waiting": waiting, "In a minute": came, "Out a minute": went}
 for time, (waiting, came, went) in minutes.items()]
"""

QUEUE_PLOT = '''\
depth = {"14:00": 204, "14:10": 231, "14:20": 1102, "14:32": 1904, "14:36": 640, "14:40": 248}
for time, count in depth.items():
    print(f"{time}  {count:>6,}  {'#' * (count // 100)}")


class Plot:
    def _repr_svg_(self):
        points = " ".join(f"{44 + 90 * x},{104 - count / 20:.0f}" for x, count in enumerate(depth.values()))
        times = "".join(f'<text x="{30 + 90 * x}" y="122">{time}</text>' for x, time in enumerate(depth))
        return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 132" style="font: 10.5px sans-serif">
            <rect width="520" height="132" fill="#fff"/><path d="M44 104.5h466M44 54.5h466M44 4.5h466" stroke="#ddd"/>
            <polyline points="{points}" fill="none" stroke="#222" stroke-width="1.75"/>{times}
            <text x="30" y="108">0</text><text x="8" y="58">1,000</text><text x="8" y="12">2,000</text></svg>"""


Plot()
'''

QUEUE_AFTER = "The queue turned at 14:33. To keep it so, set the keep-alive to 50 s, below what the relay allows.[2]"

QUEUE_NO_PLOT = (
    "Then without the plot. To keep the queue short, set the keep-alive to 50 s, below what the relay allows.[2]"
)

BOOKINGS_BEFORE = "Last week had **3,617** bookings. Saturday was the busiest day, and 145 were cancelled."

BOOKINGS_AFTER = "The table has a line a day. Attach one of your own, and I say what is in its numbers."

FILES_SEEN = "I have no model behind me, so I only look at what anybody could count:\n\n"

FILES_NUMBERS = (
    "\nThe least, the mean and the most of each column are in a table of their own; the picture is the first."
)

FILES_NO_NUMBERS = (
    "\nThere are no columns of numbers in it. Attach a CSV file, and I give back a summary and a picture."
)

HALF = """\
I am exporting last month's bookings, week by week.

| Week | Bookings | File |
|-----:|---------:|:-----|
| 1 | 41,207 | `week-1.csv` |
| 2 | 39,866 | `week-2.csv` |

The third week is larger than the others, so I
"""

_AREAS = (
    ("Search", "search", "the index"),
    ("Pricing", "pricing", "the fare table"),
    ("Checkout", "checkout", "the basket"),
    ("Payments", "payments", "the ledger"),
    ("Seats", "seats", "the seat map"),
    ("Mail", "notifier", "the outbox"),
    ("Partners", "partners", "the inbox"),
)
_SIGNS = ("errors above two in a thousand", "a queue older than five minutes", "a p95 above 400 ms", "stale data")
_CAUSES = ("a deploy in the last hour", "a partner that answers slowly", "a full disk", "an expired certificate")
_ACTIONS = ("roll the last deploy back", "switch the partner off", "move to the other zone", "renew and restart")
_PEOPLE = ("the person on call", "the owner of the service", "the support desk", "the release manager")
_TIMES = ("within five minutes", "within a quarter of an hour", "before the next full hour", "on the same day")
_REASONS = (
    "because a guess that is written down can be corrected",
    "because the next shift was not there",
    "because two people who fix the same thing fix it twice",
    "because most pages turn out to be one of three things",
)


def handbook() -> str:
    """Return about 1,500 words in sections, always the same."""
    sections = [
        "# Operations handbook\n\nThis handbook says what to do when a part of Larkspur does not do what it should. "
        "Each section stands alone, so read only the one that you need."
    ]
    for number, (title, service, data) in enumerate(_AREAS):

        def pick(words: tuple[str, ...], shift: int = 0, number: int = number) -> str:
            return words[(number + shift) % len(words)]

        sections.append(
            f"## {number + 1}. {title}\n\n"
            f"The service `{service}` owns {data}, and nothing else may write there. You will hear of it through "
            f"{pick(_SIGNS)}, more rarely through {pick(_SIGNS, 1)}. Look at its board before you touch anything, and "
            f"say in the channel that you look, {pick(_REASONS)}.\n\n"
            f"In most cases the cause is {pick(_CAUSES)}. Then {pick(_ACTIONS)} and watch the board for ten minutes. "
            f"If it was {pick(_CAUSES, 1)} instead, {pick(_ACTIONS, 1)}; that takes longer, but it does not lose "
            f"anything. Tell {pick(_PEOPLE)} {pick(_TIMES)}.\n\n"
            f"- **First**, compare `{service}` with what it depends on.\n"
            f"- **Then** find the last change, whoever made it.\n"
            f"- **Only then** change something, one thing at a time.\n\n"
            f"When it is quiet again, check that {data} agrees with the copy of last night. A difference of a few rows "
            f"is normal while people work; a difference that grows is not, and belongs to {pick(_PEOPLE, 1)} "
            f"{pick(_TIMES, 2)}. Write down what you saw, {pick(_REASONS, 2)}."
        )
    sections.append(
        "## Afterwards\n\nAn incident is over when its note is written. The note needs no blame and no adjectives: "
        "what was seen, what was tried, what helped, and what would have shown it sooner."
    )
    return "\n\n".join(sections) + "\n"


def countdown() -> str:
    """Return some hundred words to be said slowly."""
    lines = ["I check the queue once a step. Stop me when you have seen enough.\n"]
    for step in range(1, 61):
        lines.append(f"- Step {step}: {1204 - 4 * step:,} messages wait, the oldest for {90 - step // 4} s")
    return "\n".join(lines) + "\n"

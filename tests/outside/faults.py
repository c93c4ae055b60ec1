"""What goes wrong between an app and Slack, by a seeded chance: failures, lost answers, rate limits, repeated envelopes."""

import random
import time


class Faults:
    """How often what goes wrong. Healed, nothing does."""

    def __init__(self, seed: int, lost=0.0, failed=0.0, repeated=0.0):
        self.chance = random.Random(seed)
        self.lost, self.failed, self.repeated = lost, failed, repeated
        self.happened: dict[str, int] = {}

    def heal(self):
        self.lost = self.failed = self.repeated = 0.0

    def _is(self, kind: str, share: float) -> bool:
        hit = self.chance.random() < share
        if hit:
            self.happened[kind] = self.happened.get(kind, 0) + 1
        return hit

    def is_lost(self) -> bool:
        """The call is done, and its answer does not arrive."""
        return self._is("answers lost", self.lost)

    def is_repeated(self) -> bool:
        """The envelope is delivered twice."""
        return self._is("envelopes repeated", self.repeated)

    def failure(self) -> str | None:
        """Why this call is refused before anything is done."""
        if not self._is("calls failed", self.failed):
            return None
        return self.chance.choice(["500", "503", "429", "429", "internal_error", "fatal_error", "drop"])


class Windows:
    """The Retry-After windows that are open, and the calls that came inside one (by the process that was told of it)."""

    # On its way to us a call may pass our answer: so long nobody can have known (on a loaded machine).
    FLIGHT = 0.2

    def __init__(self):
        self.open: dict[tuple, tuple[float, float, int]] = {}
        self.inside: list[str] = []
        self.after_a_restart = 0
        self.told = 0
        # Counted up with each start of the app: a new process cannot know what the last one was told.
        self.start = 0

    def say(self, method: str, channel: str | None, seconds: int):
        now = time.monotonic()
        self.told += 1
        self.open[(method, channel)] = (now + self.FLIGHT, now + seconds, self.start)

    def look(self, method: str, channel: str | None) -> bool:
        """Whether this call comes too early; noted where it does."""
        now = time.monotonic()
        begins, ends, start = self.open.get((method, channel), (0.0, 0.0, 0))
        if not begins < now < ends:
            return now < ends
        if start == self.start:
            self.inside.append(f"{method} {channel or ''}: {ends - now:.2f} s before its time")
        else:
            self.after_a_restart += 1
        return True


class Bucket:
    """Posts to one channel: so many a second, after a short burst (docs.slack.dev, "Rate limits")."""

    def __init__(self, rate: float, burst: int):
        self.rate, self.burst = rate, burst
        self.full: dict[str, float] = {}

    def take(self, channel: str) -> int:
        """0 where the post may pass, else the seconds to wait."""
        now = time.monotonic()
        full = max(self.full.get(channel, now), now)
        if full - now > (self.burst - 1) / self.rate:
            return max(1, round(full - now - (self.burst - 1) / self.rate))
        self.full[channel] = full + 1 / self.rate
        return 0

"""The real `vigie serve` as a process that is started, killed and looked at from outside, and a source that sends to it."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

from workspace import APP_TOKEN, BOT_TOKEN

TOKEN = "outside-token"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Bot:
    def __init__(self, binary: str, folder: Path, config: str, api_url: str):
        self.binary, self.folder, self.port = str(Path(binary).resolve()), folder, free_port()
        self.database = folder / "vigie.db"
        (folder / "vigie.yaml").write_text(f"store: {{path: {self.database}}}\nhttp: {{listen: '127.0.0.1:{self.port}'}}\n{config}")
        self.environment = {"PATH": os.environ["PATH"], "SLACK_API_URL": api_url, "SLACK_BOT_TOKEN": BOT_TOKEN,
                            "SLACK_APP_TOKEN": APP_TOKEN, "OUTSIDE_TOKEN": TOKEN, "RUST_LOG": "warn"}
        self.log = open(folder / "vigie.log", "ab")
        self.process: subprocess.Popen | None = None

    def start(self):
        self.process = subprocess.Popen([self.binary, "serve", "--config", str(self.folder / "vigie.yaml")], cwd=self.folder,
                                        env=self.environment, stdout=subprocess.DEVNULL, stderr=self.log)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def run(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run([self.binary, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def query(self, sql: str) -> list[tuple]:
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def memory(self, field: str = "VmRSS") -> float:
        """MiB, of /proc/PID/status."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(field + ":"))
        return int(line.split()[1]) / 1024

    async def ready(self, patience: float = 60, path: str = "/readyz"):
        until = time.monotonic() + patience
        while await Source(self.port).get(path) != 200:
            assert self.process.poll() is None, f"vigie ended: {self.last_words()}"
            assert time.monotonic() < until, f"{path} is never 200: {self.last_words()}"
            await asyncio.sleep(0.05)

    def last_words(self) -> str:
        return (self.folder / "vigie.log").read_text()[-2000:]


class Source:
    """Whoever sends webhooks: one connection, kept while it lasts."""

    def __init__(self, port: int):
        self.port, self.streams = port, None

    async def get(self, path: str) -> int | None:
        return (await self._ask(f"GET {path} HTTP/1.1\r\nhost: outside\r\n\r\n".encode()))[0]

    async def post(self, alerts) -> tuple[int | None, dict]:
        """The status and the answer; no status where there was no answer."""
        body = json.dumps(alerts).encode()
        head = (f"POST /hooks/edr HTTP/1.1\r\nhost: outside\r\nauthorization: Bearer {TOKEN}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n")
        status, answer = await self._ask(head.encode() + body)
        return status, json.loads(answer) if status == 202 else {}

    async def _ask(self, request: bytes) -> tuple[int | None, bytes]:
        try:
            if self.streams is None:
                self.streams = await asyncio.open_connection("127.0.0.1", self.port)
            reader, writer = self.streams
            writer.write(request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
            return int(head.split(b" ", 2)[1]), await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            self.close()
            return None, b""

    def close(self):
        if self.streams:
            self.streams[1].close()
        self.streams = None


class Checks:
    """What was found; each is printed as it is, and counted."""

    def __init__(self):
        self.passed = self.failed = 0

    def of(self, what: str, wrong: list, looked_at: int | None = None):
        count = "" if looked_at is None else f" ({looked_at} looked at)"
        if wrong:
            self.failed += 1
            print(f"FAILED  {what}{count}: {len(wrong)}")
            for one in wrong[:10]:
                print(f"          {one}")
        else:
            self.passed += 1
            print(f"passed  {what}{count}")

    def end(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0

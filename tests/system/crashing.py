"""A child that does what it is told, ill or well."""

from __future__ import annotations

import os
import signal
import sys

from gate.system.child import serve


def answer(request: bytes) -> bytes:
    match request:
        case b"crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case b"hang":
            signal.pause()
        case b"exit":
            sys.exit(7)
        case b"fill":
            try:
                return b"%d" % len(bytearray(2**30))
            except MemoryError:
                return b"full"
        case b"print":
            print("not an answer", flush=True)
            os.write(1, b"nor this")
    return request[::-1] + b"%d" % os.getpid()


if __name__ == "__main__":
    serve(answer, limit_s=5, memory=64 * 2**20)

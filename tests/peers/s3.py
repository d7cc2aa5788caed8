"""Moto's S3 server on a port of this machine, with a bucket of many small objects in it from the start.

Usage: s3.py PORT KEYS, in the environment .venv-peers. The bucket `many` has KEYS objects below `p/`, by days.
"""

import sys
from datetime import date, timedelta

from moto.s3.models import s3_backends
from moto.server import main

ACCOUNT, PER_DAY = "123456789012", 62


def fill(keys: int) -> None:
    backend = s3_backends[ACCOUNT]["aws"]
    backend.create_bucket("many", "us-east-1")
    for number in range(keys):
        day = date(2026, 1, 1) + timedelta(days=number // PER_DAY)
        backend.put_object("many", f"p/year={day:%Y/month=%m/day=%d}/traces_{number}.json", b"{}")


if __name__ == "__main__":
    fill(int(sys.argv[2]))
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])

"""Memory and speed of reading Amazon's price list: peak memory must not grow with the list.

    python bench/aws_stream.py [MEGABYTES ...]       (default 50 and 200)

Writes lists of the documented form and of those sizes, most of them reserved terms of products that do not matter.
Reads each in a process of its own. Prints seconds, megabytes a second, and peak memory beside that of a start with
nothing to read. Reading the same list whole with the standard library is measured at the smallest size.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# The high-water mark of this program alone: the one of getrusage is inherited from the program that started it.
PEAK = """
import sys, time
from pathlib import Path
def peak():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
"""
READ = (
    PEAK
    + """
from datetime import UTC, datetime
from warehouse.sources import aws
from warehouse.sources.source import Document
started = time.perf_counter()
rows = 0
if sys.argv[1] != "nothing":
    document = Document("0" * 64, "aws", "u", Path(sys.argv[1]), datetime.now(UTC))
    rows = sum(batch.frame.height for batch in aws.parse(document))
print(rows, time.perf_counter() - started, peak())
"""
)
WHOLE = (
    PEAK
    + """
import json
started = time.perf_counter()
with open(sys.argv[1], "rb") as file: found = json.load(file)
print(len(found["products"]), time.perf_counter() - started, peak())
"""
)


def write(path: Path, megabytes: int) -> None:
    """A list of about this size, with ten products that matter."""
    attributes = {
        "servicecode": "AmazonEC2", "location": "US East (N. Virginia)", "regionCode": "us-east-1",
        "tenancy": "Shared", "operatingSystem": "Linux", "preInstalledSw": "NA", "capacitystatus": "Used",
        "vcpu": "192", "memory": "2048 GiB", "networkPerformance": "3200 Gigabit", "storage": "EBS only",
    }  # fmt: skip
    size, number = megabytes * 2**20, 0
    skus: list[str] = []

    def term(sku: str, code: str, said: dict) -> str:
        dimension = {"unit": "Hrs", "description": "x" * 60, "appliesTo": [], "pricePerUnit": {"USD": "55.0400000000"}}
        entry = {"sku": sku, "offerTermCode": code, "priceDimensions": {f"{sku}.{code}.6YS6EN2CT7": dimension}}
        return json.dumps({f"{sku}.{code}": entry | {"termAttributes": said}}, indent=2)

    with path.open("w", encoding="utf-8") as file:
        file.write('{"formatVersion": "v1.0", "products": {')
        while file.tell() < size * 0.2 or number < 10:
            sku = f"SKU{number:013d}"
            kind = {"instanceType": "p5.48xlarge", "gpu": "8"} if number < 10 else {"instanceType": "m7i.large"}
            file.write(f'{"," if number else ""}"{sku}": ')
            file.write(json.dumps({"sku": sku, "attributes": attributes | kind}, indent=2))
            skus.append(sku)
            number += 1
        file.write('}, "terms": {"OnDemand": {')
        file.write(", ".join(f'"{sku}": {term(sku, "JRTCKXETXF", {})}' for sku in skus))
        file.write('}, "Reserved": {')
        said = {"LeaseContractLength": "1yr", "OfferingClass": "standard", "PurchaseOption": "No Upfront"}
        number = 0
        while file.tell() < size:
            sku = skus[number % len(skus)] if number < len(skus) else f"OTHER{number:011d}"
            file.write(f'{"," if number else ""}"{sku}": {term(sku, "4NA7Y494T4", said)}')
            number += 1
        file.write("}}}")


def measured(program: str, argument: str) -> tuple[int, float, float]:
    out = subprocess.run([sys.executable, "-c", program, argument], check=True, capture_output=True, text=True).stdout
    rows, *numbers = out.split()
    return int(rows), *map(float, numbers)  # type: ignore[return-value]


def main() -> None:
    sizes = [int(argument) for argument in sys.argv[1:]] or [50, 200]
    *_, nothing = measured(READ, "nothing")
    print(f"{'list':>8} {'rows':>5} {'seconds':>8} {'MB/s':>6} {'peak MB':>8} {'above start':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for place, megabytes in enumerate(sorted(sizes)):
            path = Path(folder) / "index.json"
            started = time.perf_counter()
            write(path, megabytes)
            wrote = time.perf_counter() - started
            rows, seconds, peak = measured(READ, str(path))
            speed = path.stat().st_size / 2**20 / seconds
            print(f"{megabytes:>5} MB {rows:>5} {seconds:>8.2f} {speed:>6.1f} {peak:>8.0f} {peak - nothing:>12.1f}"
                  f"   (written in {wrote:.1f} s)")  # fmt: skip
            if place == 0:
                _, seconds, peak = measured(WHOLE, str(path))
                print(f"{'whole':>8} {'':>5} {seconds:>8.2f} {'':>6} {peak:>8.0f}   (json.load of the same list)")


if __name__ == "__main__":
    main()

"""Memory and speed of reading Amazon's price list: peak memory must not grow with the list.

    python -m bench.aws_stream [SMALL LARGE]       (MiB; default 50 and 200)

Writes lists of the documented form and of those sizes, most of them reserved terms of products that do not matter.
Reads each in a process of its own. The time is held against reading the list whole with the standard library, and the
memory beyond a start with nothing to read against that of the smaller list.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from bench.lines import in_turn, of_a_process, report

ROUNDS = 3
WITH_GPUS = ("p4d.24xlarge", "p4de.24xlarge", "p5.48xlarge", "p5e.48xlarge", "p5en.48xlarge")
READ = """
import json, sys, time
from datetime import UTC, datetime
from pathlib import Path
from bench.lines import peak_mib
from warehouse.sources import aws
from warehouse.sources.common.source import Document
started, rows = time.process_time(), []
if sys.argv[1] != "nothing":
    document = Document("0" * 64, "aws", "u", Path(sys.argv[1]), datetime.now(UTC))
    frames = [batch.frame for batch in aws.parse(document)]
    prices = [one for frame in frames for one in frame.select("instance", "pricing_kind", "usd_per_gpu_hour").rows()]
    rows = sorted([name, each] for name, kind, each in prices if kind == "on_demand")
print(json.dumps({"seconds": time.process_time() - started, "rows": rows, "mib": peak_mib()}))
"""
WHOLE = """
import json, sys, time
started = time.process_time()
with open(sys.argv[1], "rb") as file: found = json.load(file)
prices = set()
for sku, product in found["products"].items():
    if gpus := int(product["attributes"].get("gpu", 0)):
        [term] = found["terms"]["OnDemand"][sku].values()
        [dimension] = term["priceDimensions"].values()
        prices.add((product["attributes"]["instanceType"], float(dimension["pricePerUnit"]["USD"]) / gpus))
rows = sorted(prices)
print(json.dumps({"seconds": time.process_time() - started, "rows": rows}))
"""


def write(path: Path, megabytes: int) -> None:
    """A list of about this size, in which only the first products matter."""
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
        while file.tell() < size * 0.2 or number < len(WITH_GPUS):
            sku = f"SKU{number:013d}"
            kind = (
                {"instanceType": WITH_GPUS[number], "gpu": "8"}
                if number < len(WITH_GPUS)
                else {"instanceType": "m7i.large"}
            )
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


def main() -> None:
    small, large = sorted([int(argument) for argument in sys.argv[1:]] or [50, 200])
    nothing = of_a_process(READ, "nothing")["mib"]
    with tempfile.TemporaryDirectory() as folder:
        lists = {megabytes: Path(folder) / f"{megabytes}.json" for megabytes in (small, large)}
        for megabytes, path in lists.items():
            write(path, megabytes)
        rows = [of_a_process(program, str(lists[small]))["rows"] for program in (READ, WHOLE)]
        if rows[0] != rows[1]:
            raise SystemExit(f"these prices are read: {rows[0]}, and the list has {rows[1]}")

        def taken(program: str, what: str, megabytes: int) -> float:
            return float(of_a_process(program, str(lists[megabytes]))[what])

        times = in_turn(lambda: taken(READ, "seconds", small), lambda: taken(WHOLE, "seconds", small), ROUNDS)
        equal = f"{len(rows[0])} prices"
        report(f"Amazon's list of {small} MiB as a stream", "json.load of it whole", "CPU s", *times, equal=equal)
        beyond = in_turn(
            lambda: taken(READ, "mib", large) - nothing, lambda: taken(READ, "mib", small) - nothing, ROUNDS
        )
        report(f"memory to read {large} MiB of it", f"to read {small} MiB", "MiB", *beyond, target=1.5, equal=equal)


if __name__ == "__main__":
    main()

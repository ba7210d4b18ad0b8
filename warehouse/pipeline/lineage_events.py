"""What a run reads and writes, told to a lineage server as OpenLineage events while it happens.

A platform team keeps one map of all its tables, in Marquez, DataHub or the like. OpenLineage is how pipelines draw on it.
They tell START, then COMPLETE or FAIL, of the run and of each step, with the tables that go in and out. The columns and
the results of the checks hang on the tables. Prefect has no integration of its own, so the events are made here, by the
client library of OpenLineage.

Nothing is sent unless OVERBUILD_OPENLINEAGE names a file or an address. A server that is down costs a run one short
wait: what it was not told waits, and is sent once more at the end. Secrets of the settings are masked in every text.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import marts
from warehouse.fetching.confidential import masked
from warehouse.pipeline.meter import Step
from warehouse.tables import CORE
from warehouse.tables.runs import PUBLISHED
from warehouse.tables.table import Table

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

    from warehouse.pipeline.context import RunContext
    from warehouse.settings import Settings

NAMESPACE = "overbuild"
PRODUCER = "urn:overbuild:pipeline"
SENT_WITHIN_SECONDS = 3.0
LONGEST_TEXT = 2000
OF_RUNS = uuid.UUID("5b0f2f5c-6d35-4c7e-9a53-0d5d8b5f7a10")
"""The namespace of the ids of runs: the same run has the same id, whoever asks."""


def run_uuid(run_id: str, step: str = "") -> str:
    """The id that OpenLineage wants of a run, or of a step of it."""
    return str(uuid.uuid5(OF_RUNS, f"{run_id}/{step}" if step else run_id))


def emitter(run: RunContext) -> Emitter | None:
    """Who sends the events of a run; None where nobody asked for them."""
    asked = run.settings.openlineage
    return Emitter(run, asked) if asked else None


class Emitter:
    """Sends the events of one run, and listens to its steps (`meter.Listener`)."""

    def __init__(self, run: RunContext, address: str) -> None:
        self._run, self._address = run, address
        self._client: Any = None
        self._waiting: list[RunEvent] = []
        self._lost = ""

    # -- the run ---------------------------------------------------------------------------------------------------

    def started(self) -> None:
        self._send(self._event("START", "", self._run.started_at))

    def ended(self, outcome: str, error: BaseException | None, checked: Sequence[Mapping[str, Any]] = ()) -> str:
        """Send how the run ended, and what waits; gives a note where the server was not told all, else ''."""
        outputs: list[Any] = []
        if outcome in PUBLISHED:
            built = [mart.table for mart in marts.all_marts().values()]
            outputs = [dataset(table, as_output=True) for table in built]
        inputs = [dataset(table, checked=checked) for table in CORE.values()]
        kind = "FAIL" if error is not None else "COMPLETE"
        self._send(self._event(kind, "", datetime.now(UTC), inputs, outputs, error), last=True)
        if not self._waiting:
            return ""
        return f"{len(self._waiting)} lineage event(s) were not taken: {self._lost} Check OVERBUILD_OPENLINEAGE."

    # -- its steps -------------------------------------------------------------------------------------------------

    def step_started(self, name: str, at: datetime) -> None:
        self._send(self._event("START", name, at, *self._tables(name)))

    def step_ended(self, step: Step, result: Any, error: BaseException | None) -> None:
        inputs, outputs = self._tables(step.step, step, getattr(result, "results", None))
        kind = "FAIL" if error is not None else "COMPLETE"
        self._send(self._event(kind, step.step, datetime.now(UTC), inputs, outputs, error))

    def _tables(self, name: str, step: Step | None = None, results: Any = None) -> tuple[list[Any], list[Any]]:
        """What goes into a step and comes out of it."""
        checked = results.rows(named=True) if results is not None else ()
        core, answers = list(CORE.values()), [mart.table for mart in marts.all_marts().values()]
        if name.startswith("ingest "):
            return self._ingested(name.removeprefix("ingest "), step)
        match name:
            case "load":
                return [], [dataset(table, as_output=True) for table in core]
            case "check_facts":
                return [dataset(table, checked=checked) for table in core], []
            case "build_marts":
                return [dataset(t) for t in core], [dataset(t, as_output=True) for t in answers]
            case "check_marts":
                return [dataset(table, checked=checked) for table in answers], []
            case "write_pages" | "publish_release":
                return [dataset(table) for table in answers], []
        return [], []

    def _ingested(self, source: str, step: Step | None) -> tuple[list[Any], list[Any]]:
        from openlineage.client.event_v2 import InputDataset

        from warehouse.sources import all_sources

        found = next((one for one in all_sources() if one.name == source), None)
        if found is None:
            return [], []
        rows = step.rows if step is not None else None
        filled = [dataset(CORE[name], as_output=True, rows=rows) for name in found.tables if name in CORE]
        return [InputDataset(namespace=f"{NAMESPACE}.documents", name=source)], filled

    # -- events ----------------------------------------------------------------------------------------------------

    def _event(
        self,
        kind: str,
        step: str,
        at: datetime,
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        error: BaseException | None = None,
    ) -> RunEvent:
        from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
        from openlineage.client.facet_v2 import error_message_run, parent_run, processing_engine_run

        from warehouse import __version__

        facets: dict[str, Any] = {
            "processing_engine": processing_engine_run.ProcessingEngineRunFacet(version=__version__, name=NAMESPACE)
        }
        if step:
            facets["parent"] = parent_run.ParentRunFacet(
                run=parent_run.Run(runId=run_uuid(self._run.run_id)), job=parent_run.Job(NAMESPACE, "answer")
            )
        if error is not None:
            message = self._masked(f"{type(error).__name__}: {error}")
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(message, "python")
        return RunEvent(
            eventTime=at.isoformat(),
            producer=PRODUCER,
            eventType=RunState(kind),
            run=Run(run_uuid(self._run.run_id, step), facets),
            job=Job(NAMESPACE, f"answer.{step.replace(' ', '_')}" if step else "answer"),
            inputs=list(inputs),
            outputs=list(outputs),
        )

    def _masked(self, text: str) -> str:
        """A text without secrets of the settings, and no longer than a server takes."""
        return masked(text, self._run.settings)[:LONGEST_TEXT]

    def _send(self, event: RunEvent, *, last: bool = False) -> None:
        """Send what waits and this event, in their order; after a failure, only the last event tries again."""
        self._waiting.append(event)
        if self._lost and not last:
            return
        try:
            if self._client is None:
                self._client = client(self._address, self._run.settings)
            while self._waiting:
                self._client.emit(self._waiting[0])
                self._waiting.pop(0)
        except Exception as error:  # down, away, full: no run fails for it
            said = (str(error).splitlines() or [""])[0]
            self._lost = self._masked(f"{type(error).__name__}: {said[:300]}.")


def dataset(
    table: Table,
    *,
    as_output: bool = False,
    rows: int | None = None,
    checked: Sequence[Mapping[str, Any]] = (),
) -> Any:
    """A table as OpenLineage names it, with its columns; `checked` are rows of `quality.results`."""
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import (
        data_quality_assertions_dataset,
        documentation_dataset,
        output_statistics_output_dataset,
        schema_dataset,
    )

    fields = [
        schema_dataset.SchemaDatasetFacetFields(column.name, column.type, column.comment) for column in table.columns
    ]
    facets: dict[str, Any] = {
        "schema": schema_dataset.SchemaDatasetFacet(fields),
        "documentation": documentation_dataset.DocumentationDatasetFacet(table.meaning),
    }
    if as_output:
        statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
        more: dict[str, Any] = {"outputStatistics": statistics} if rows is not None else {}
        return OutputDataset(NAMESPACE, table.full_name, outputFacets=more, facets=facets)
    of_table = [
        data_quality_assertions_dataset.Assertion(
            assertion=row["expectation"],
            success=bool(row["success"]),
            column=row["column_name"] or None,
            severity="error" if row["severity"] == "critical" else "warn",
        )
        for row in checked
        if row["table_name"] == table.full_name
    ]
    quality: dict[str, Any] = {}
    if of_table:
        quality["dataQualityAssertions"] = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(of_table)
    return InputDataset(NAMESPACE, table.full_name, inputFacets=quality, facets=facets)


def client(address: str, settings: Settings) -> Any:
    """The client of the library for a file or a server: short waits, and no retry of its own."""
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.file import FileConfig, FileTransport
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

    if not address.startswith(("http://", "https://")):
        file = Path(address).expanduser()
        file.parent.mkdir(parents=True, exist_ok=True)
        return OpenLineageClient(transport=FileTransport(FileConfig(append=True, log_file_path=str(file))))
    config = HttpConfig(url=address, timeout=SENT_WITHIN_SECONDS, retry={"total": 0})
    if settings.openlineage_key is not None:
        config.auth = ApiKeyTokenProvider({"apiKey": settings.openlineage_key.get_secret_value()})
    return OpenLineageClient(transport=HttpTransport(config))

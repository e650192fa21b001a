"""Do the jobs of a video that lies in a bucket on a copy, and report them as of the object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from clip_core.addresses import is_address
from clip_core.distributed.jobs import Job, Looked, VideoSource, WorkerReport
from clip_core.library.fetched import FetchedVideo, Scratch, fetched, naming_source
from clip_core.library.identify import file_stamp, placed


def on_a_file(job: Job, scratch: Scratch, reports: Callable[[Job], Iterator[WorkerReport]]) -> Iterator[WorkerReport]:
    """Do a job; if its video lies in a bucket, on a copy that is fetched unless it is in ``scratch`` already.

    Args:
        job: Of a file or of an object. Its stamp is compared with the object's before each job.
        scratch: Where copies lie.
        reports: Does a job of a file.

    Yields:
        The reports; ``Looked`` has the object's address and stamp.

    Raises:
        VideoChangedError: The object has another stamp than the job's source.
        VideoError: It cannot be fetched; or what ``reports`` raises, which names the object.
    """
    if not is_address(job.source.location):
        yield from reports(job)
        return
    with fetched(job.source.location, scratch, job.source.stamp) as copy, naming_source(copy):
        source = VideoSource(str(copy.path), file_stamp(copy.path))
        for report in reports(replace(job, source=source)):
            yield _of_object(report, copy)


def _of_object(report: WorkerReport, copy: FetchedVideo) -> WorkerReport:
    address = copy.source.address
    if isinstance(report, Looked):
        source = VideoSource(address, copy.source.stamp)
        return replace(report, source=source, record=placed(report.record, address))
    return report

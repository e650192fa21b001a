"""Free the memory of uploaded files that were read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


def free(file: UploadedFile) -> None:
    """Free the bytes of an uploaded file; call it when its uploader has got a new key, and do not read it again.

    Streamlit keeps a file until its session ends, even when its uploader is gone from the page.
    """
    context = get_script_run_ctx()
    # Other managers, which a host may bring, need not keep files in memory.
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    file.close()

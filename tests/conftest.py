"""Before anything is imported: no test may see the caches, keys and addresses of whoever runs it."""

import os
import tempfile

os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="clip-video-tests-")
for _name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_ENDPOINT", "ROBOFLOW_API_KEY", "CLIP_VIDEO_CONFIG"):
    os.environ.pop(_name, None)

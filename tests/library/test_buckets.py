"""The videos of a bucket are found by prefixes and stars, whatever their names, and each fault is one plain line."""

from __future__ import annotations

from http.client import HTTPConnection

import pytest
from obstore.store import S3Store

from clip_core.errors import VideoError, VideoNotFoundError
from clip_core.library.buckets import find_object, find_objects
from tests.support.s3_server import SECRET, S3Server

ODD = ["a b.mp4", "ü-名.mp4", "a#b.mp4", "a?b.mp4", "50%41 off.mp4", "star*.mp4", "[1].mp4", "plus+&=.mp4"]
ALL = [*ODD, "day/one.MOV", "day/two/three.mkv", "day/.hidden/x.mp4", "day/notes.txt", "day/clip.mxf", "day/empty.mp4"]


@pytest.fixture(scope="module")
def bucket(started_s3: S3Server) -> str:
    """A bucket with odd names, folders, a folder object, and 45 objects of other kinds."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in started_s3.environment().items():
            patch.setenv(name, value)
        name = started_s3.bucket()
        store = S3Store(name)
        for key in ALL:
            store.put(key, b"" if "empty" in key else b"12345")
        for number in range(45):
            store.put(f"others/{number}.bin", b"")
    return name


def keys(found: object, bucket: str) -> list[str]:
    return sorted(each.address.removeprefix(f"s3://{bucket}/") for each in found)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("asked", "pattern", "found"),
    [
        ("", None, [*ODD, "day/one.MOV", "day/two/three.mkv", "day/empty.mp4"]),
        ("day", None, ["day/one.MOV", "day/two/three.mkv", "day/empty.mp4"]),
        ("day/", "*.MK?", ["day/two/three.mkv"]),
        ("*.mp4", None, ODD),
        ("**/*.mp4", None, [*ODD, "day/empty.mp4"]),
        ("day/**", None, ["day/one.MOV", "day/two/three.mkv", "day/empty.mp4"]),
        ("day/*.mxf", None, ["day/clip.mxf"]),
        ("d*/t*/*", None, ["day/two/three.mkv"]),
        ("a?*", None, ["a?b.mp4"]),
        *((name, None, [name]) for name in ODD if "*" not in name),
        ("day/clip.mxf", None, ["day/clip.mxf"]),
    ],
)
def test_prefixes_and_stars(s3: S3Server, bucket: str, asked: str, pattern: str | None, found: list[str]) -> None:
    assert keys(find_objects(f"s3://{bucket}/{asked}", pattern), bucket) == sorted(found)


def test_size_and_etag_are_the_stamp_in_a_list_and_alone(s3: S3Server, bucket: str) -> None:
    address = f"s3://{bucket}/a#b.mp4"
    listed = next(each for each in find_objects(f"s3://{bucket}") if each.address == address)
    assert listed == find_object(address)
    assert listed.stamp == (5, '"827ccb0eea8a706c4c34a16891f84e7b"')


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("others", "There is no video at .*/others. 45 other objects lie there."),
        ("others/**/*.mp4", "There is no video at .* 45 other objects lie there."),
        ("nothing/", "There is no video at .*/nothing/. Nothing lies there."),
        ("nothing.mp4", "There is no object .*/nothing.mp4."),
        ("nothing", "There is no object .*/nothing."),
    ],
)
def test_no_video_there(s3: S3Server, bucket: str, asked: str, said: str) -> None:
    with pytest.raises(VideoNotFoundError, match=said) as caught:
        find_objects(f"s3://{bucket}/{asked}")
    assert "\n" not in caught.value.line


def test_a_long_list_is_read_in_pages(s3: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "20")
    with s3.counting() as counts, pytest.raises(VideoNotFoundError):
        find_objects(f"s3://{bucket}/others/")
    assert counts["GET"] == 3


def test_a_folder_object_is_no_video(s3: S3Server) -> None:
    bucket = s3.bucket()
    connection = HTTPConnection(s3.address.removeprefix("http://"))
    connection.request("PUT", f"/{bucket}/x.mp4/", b"")  # S3Store leaves out the last slash
    assert connection.getresponse().status == 200
    connection.close()
    S3Store(bucket).put("x.mp4/a.mp4", b"1")
    assert keys(find_objects(f"s3://{bucket}/"), bucket) == ["x.mp4/a.mp4"]


@pytest.mark.parametrize(
    ("variables", "refusal", "address", "said"),
    [
        ({}, None, "s3://there-is-none/x/", "There is no bucket s3://there-is-none."),
        ({}, ("403 Forbidden", "InvalidAccessKeyId"), "s3://b/x/", "refuses access to s3://b. Check AWS_ACCESS_KEY_ID"),
        ({}, ("403 Forbidden", "AccessDenied"), "s3://b/x.mp4", "refuses access to s3://b. Check AWS_ACCESS_KEY_ID"),
        ({"AWS_ENDPOINT": "http://127.0.0.1:9"}, None, "s3://b/x/", "of s3://b does not answer. Check AWS_ENDPOINT"),
        ({"AWS_ENDPOINT": "http://[b"}, None, "s3://b/x/", "AWS_ENDPOINT is no http or https address."),
        ({"AWS_ENDPOINT": "localhost:9000"}, None, "s3://b/x/", "AWS_ENDPOINT is no http or https address."),
        ({"AWS_ALLOW_HTTP": "false"}, None, "s3://b/x.mp4", "no https address. Set AWS_ALLOW_HTTP=true"),
        (
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            None,
            "s3://b/x/",
            "no keys for s3://b.",
        ),
        ({}, None, "s3://", "names no bucket. Addresses begin with s3://, gs://, az://"),
        ({}, None, "s3://a b/x.mp4", "s3://a b/x.mp4 names no bucket."),
        ({}, None, "s3://b/a//b.mp4", "its name has an empty part"),
    ],
)
def test_wrong_settings_are_one_line_each(
    s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    refusal: tuple[str, str] | None,
    address: str,
    said: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    monkeypatch.setattr("clip_core.library.buckets._RETRY", {"max_retries": 0})
    s3.refusal = refusal
    with pytest.raises(VideoError) as caught:
        find_objects(address)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)

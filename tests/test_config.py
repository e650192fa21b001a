"""config.yaml: what is read, and what each mistake is told."""

import time
from pathlib import Path

import pytest

from clip_core.config import Config, load_config
from clip_core.errors import ConfigError

BOMB = "model:" + "".join(
    f"\n- &a{k} [{', '.join([f'*a{k - 1}'] * 9) if k else 'x'}]" for k in range(9)
)  # a kilobyte that is nine to the power of nine when it is written out


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture(autouse=True)
def no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROBOFLOW_API_KEY", raising=False)


def test_the_three_keys_of_the_first_tool(tmp_path: Path) -> None:
    path = write(tmp_path, 'roboflow_api_key: "rf-SECRET"\nvideo_path: clips/a.mp4\nCLIP:\n  - a dog\n  - "yes"\n')
    config = load_config(path)
    assert config.roboflow_api_key == "rf-SECRET"
    assert config.video_path == tmp_path.resolve() / "clips/a.mp4"
    assert config.prompts == ("a dog", "yes")
    assert "SECRET" not in repr(config)


def test_every_key_and_relative_paths(tmp_path: Path) -> None:
    config = load_config(
        write(
            tmp_path,
            (
                "model: other\nprecision: fp16\nsamples_per_second: every frame\nthreshold: 0.3\nsmoothing_s: 2\n"
                "embeddings: e\nvideo_dirs: [v, /abs]\nmodel_dirs: m\ncrop: pad\nsequence_fps: 29.97\n"
            ),
        )
    )
    base = tmp_path.resolve()
    assert config.precision == "fp16"
    assert (config.model, config.samples_per_second, config.threshold, config.smoothing_s) == ("other", None, 0.3, 2.0)
    assert config.embeddings == str(base / "e")
    assert config.video_dirs == (base / "v", Path("/abs"))
    assert config.model_dirs == (base / "m",)
    assert (config.crop, config.sequence_fps) == ("pad", 29.97)


def test_an_object_store_address_stays_as_it_is(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "embeddings: s3://bucket/x")).embeddings == "s3://bucket/x"


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, ""))
    assert (config.prompts, config.video_path, config.threshold, config.samples_per_second) == ((), None, None, 2.0)
    assert config.video_dirs == (tmp_path.resolve() / "data",)


def test_no_config_gives_the_defaults_with_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLIP_VIDEO_CONFIG", raising=False)
    assert load_config().notices == ("There is no config.yaml here: the defaults are used.",)


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIP_VIDEO_CONFIG", str(write(tmp_path, "model: from-env")))
    assert load_config().model == "from-env"


def test_a_named_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no configuration file nowhere\.yaml"):
        load_config(tmp_path / "nowhere.yaml")


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file xxx"):
        load_config(tmp_path / ("x" * 300))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2", r"not YAML \(line 1"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("- a\n- b", "holds a list, not settings"),
        ("treshold: 0.3", r"unknown key 'treshold'\. Did you mean 'threshold'\?"),
        ("qqqq: 1", r"unknown key 'qqqq'\. Allowed are: video_path, CLIP"),
        (
            "precision: q4",
            r"'precision' in the configuration is a text \(q4\)\. Allowed is one of auto, fp32, fp16, int8",
        ),
        ("precision: [int8]", r"'precision' in the configuration is a list"),
        ("threshold: high", r"'threshold' in the configuration is a text \(high\)\. Allowed is a cosine"),
        ("threshold: 2", r"a number \(2\)"),
        ("crop: centre", r"'crop' .* is a text \(centre\)\. Allowed is center, squash, pad, or null"),
        ("crop: 3", r"'crop' .* is a number \(3\)"),
        ("sequence_fps: 0", r"'sequence_fps' .* is a number \(0\)\. Allowed is a number of frames per second"),
        ("threshold: true", r"a yes/no value \(True\)"),
        ("threshold: .nan", r"a number \(nan\)"),
        ("samples_per_second: 0", "from 0.001 to 1000"),
        ("smoothing_s: -1", "from 0 to 600"),
        ("CLIP: [yes]", r"prompt True under 'CLIP' is read by YAML as a yes/no value, not as text\. Put it in quotes"),
        ("CLIP: [12:30:00]", "Put it in quotes"),
        ("CLIP: {a: b}", "a list of texts"),
        ("video_path: 3", "put it in quotes"),
        ("model: ''", "not empty"),
        ("video_dirs: [1]", "list of folders"),
        ("roboflow_api_key: 12345678", r"'roboflow_api_key' in the configuration is a value\."),
        (
            "inference_url: localhost:9001",
            r"'inference_url' .* is a text \(localhost:9001\)\. Allowed is an address such",
        ),
        ("inference_url: ftp://x", r"\(ftp://x\)"),
        ("inference_url: http://", r"\(http://\)"),
        ("inference_url: http://user:12345678@x", r"is a text \(…\)\. .*without user, password or query"),
        ("inference_url: http://x/?api_key=12345678", r"is a text \(…\)"),
        ("inference_url: http://x:99999", r"x:99999"),
        ("inference_url: http://x:0", r"x:0"),
        ("inference_url: 'http://[1:2:3:]'", r"\[1:2:3:\]"),
        ("inference_url: 'http://a b'", r"a b"),
        ("inference_url: 'http://localhost\\.x.com'", "Allowed is an address"),
        ("inference_url: http://ⓑocalhost", "Allowed is an address"),
        ("inference_url: 9001", r"a number \(9001\)"),
        ("inference_url: null", "is nothing"),
        (
            "clip_version: ViT-B/32",
            r"'clip_version' .* is a text \(ViT-B/32\)\. Allowed is one of RN50, .*ViT-L-14-336px",
        ),
        ("samples_per_second: 1" + "0" * 400, "from 0.001 to 1000"),
        ("video_path: ~no-such-user-here/x.mp4", "a path that can exist here"),
        ('video_path: "a\\0b.mp4"', "a path that can exist here"),
        ("video_dirs: " + "x" * 5000, "a path that can exist here"),
        ("a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nmodel: *b", "unknown key 'a'"),
        (BOMB, "over 20,000 values, counting what its aliases repeat"),
        ('CLIP: "\\UFFFFFFFF"', "not YAML"),
        ("threshold: !!int ''", r"not YAML \(line 1, column 12\)"),
        ("threshold: !!bool maybe", r"not YAML \(line 1, column 12\)"),
        ("threshold: !!timestamp x", r"not YAML \(line 1, column 12\)"),
        ("threshold: 1" + ":59" * 300 + ".5", r"not YAML \(line 1, column 12\)"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(write(tmp_path, text))
    assert "12345678" not in str(caught.value)
    assert len(caught.value.line) <= 200


def test_a_prompt_that_no_utf8_can_hold_is_mended(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, 'CLIP: ["\\ud800 x"]')).prompts == ("? x",)


def test_the_server_of_roboflow(tmp_path: Path) -> None:
    plain = load_config(write(tmp_path, "roboflow_api_key: ''"))
    assert (plain.inference_url, plain.clip_version, plain.uses_server) == ("http://localhost:9001", "ViT-B-16", False)
    given = load_config(write(tmp_path, "inference_url: https://infer.example:8443/a/\nclip_version: RN50x4"))
    assert (given.inference_url, given.clip_version) == ("https://infer.example:8443/a", "RN50x4")
    assert given.uses_server
    assert load_config(write(tmp_path, "inference_url: http://[::1]:9001")).inference_url == "http://[::1]:9001"
    assert load_config(write(tmp_path, "model: roboflow:ViT-B-32")).uses_server
    assert load_config(write(tmp_path, "model: roboflow")).uses_server
    assert not load_config(write(tmp_path, "model: roboflow2")).uses_server  # a folder's name


def test_the_key_of_the_file_wins_over_that_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOFLOW_API_KEY", " rf-SECRET\n")
    monkeypatch.delenv("CLIP_VIDEO_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert load_config(write(tmp_path, "roboflow_api_key: own")).roboflow_api_key == "own"
    for config in (load_config(write(tmp_path, "roboflow_api_key: ''")), load_config(tmp_path / "config.yaml")):
        assert config.roboflow_api_key == "rf-SECRET"
        assert config.uses_server
        assert "SECRET" not in repr(config)
    (tmp_path / "config.yaml").unlink()
    assert load_config().roboflow_api_key == "rf-SECRET"
    assert load_config().uses_server


@pytest.mark.parametrize(
    "text",
    [
        "roboflow_api_key: [rf-SECRET]",
        "threshold: 2\nroboflow_api_key: rf-SECRET",
        "roboflow_api_key: rf-SECRET\nprecisoin: auto",
        "inference_url: http://rf-SECRET@x",
    ],
)
def test_no_error_and_none_behind_it_repeats_the_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    assert "SECRET" not in str(caught.value)
    assert caught.value.__context__ is None  # not even a pydantic error that would be shown with it


def test_a_field_that_is_misspelled_in_code_is_no_field() -> None:
    with pytest.raises(TypeError, match="Config has no field 'treshold'"):
        Config(treshold=0.3)  # type: ignore[call-arg]


def _merging(levels: int, merge: str) -> str:
    """Return mappings of which each merges the one before it, as often as ``merge`` says."""
    lines = (f"a{k}: &a{k} {{<<: {merge.format(k - 1)}, k{k}: v}}\n" for k in range(1, levels))
    return "a0: &a0 {k0: v}\n" + "".join(lines)


HOSTILE = {
    "decimal": ("threshold: " + "1" * 5000, "over 1,000 digits"),
    "hexadecimal": ("threshold: 0x" + "f" * 900_000, "over 1,000 digits"),
    "binary": ("threshold: 0b" + "1" * 900_000, "over 1,000 digits"),
    "octal": ("threshold: 0" + "7" * 900_000, "over 1,000 digits"),
    "base 60": ("threshold: 1" + ":59" * 300_000, "over 1,000 digits"),
    "fraction": ("threshold: " + "1" * 900_000 + ".5", "over 1,000 digits"),
    "key": ("? 0x" + "f" * 5000 + "\n: 1", "over 1,000 digits"),
    "value key": ("threshold: !!int {=: 0x" + "f" * 5000 + "}", "over 1,000 digits"),
    "merges": (_merging(12, "[" + ", ".join(["*a{0}"] * 9) + "]"), "over 20,000 values"),
    "merge chain": (_merging(15_000, "*a{0}"), "over 20,000 values"),
    "anchors": ("".join(f"- &a{k} x\n" for k in range(60_000)), "over 20,000 values"),
    "long alias": ("CLIP: [&s '" + "é" * 400_000 + "'" + ", *s" * 200 + "]", "over 1,000,000 characters"),
    "alias of itself": ("CLIP: &a [*a]", "an alias inside what it repeats"),
    "flow pairs": ("[" + "a: [" * 20_000, "over 20 levels deep"),
    "flow mappings": ("CLIP: " + "{a: [" * 5000, "over 20 levels deep"),
    "block lists": ("- " * 400_000, "over 20 levels deep"),
    "equal hashes": ("{" + ", ".join(f"{k * (2**61 - 1)}: 1" for k in range(24_000)) + "}", "over 20,000 values"),
}


@pytest.mark.parametrize(("text", "limit"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_yaml_is_refused_by_the_limit_that_it_exceeds(tmp_path: Path, text: str, limit: str) -> None:
    path = write(tmp_path, text)
    began = time.process_time()
    with pytest.raises(ConfigError, match=rf"^config\.yaml (has|is nested) .*{limit}.*\(line \d+") as caught:
        load_config(path)
    assert time.process_time() - began < 5
    assert len(caught.value.line) <= 200


def test_only_the_first_megabyte_of_a_large_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    with path.open("wb") as file:
        file.truncate(10**12)  # sparse: it takes no room
    with pytest.raises(ConfigError, match=r"config\.yaml is larger than 1 MB"):
        load_config(path)


def test_anchors_and_merges_of_an_honest_config(tmp_path: Path) -> None:
    text = "CLIP: &p [a dog, pizza]\nvideo_dirs: &d [v]\nmodel_dirs: *d\n<<: {threshold: 0.3, crop: pad}\ncrop: squash"
    config = load_config(write(tmp_path, text))
    assert (config.prompts, config.threshold, config.crop) == (("a dog", "pizza"), 0.3, "squash")
    assert config.model_dirs == config.video_dirs == (tmp_path.resolve() / "v",)
    assert len(load_config(write(tmp_path, "CLIP:\n" + "- a dog\n" * 15_000)).prompts) == 15_000

"""External data: every way to name a file outside the model's folder is refused before ONNX Runtime sees it."""

import itertools
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from clip_core.encoders import model_files
from clip_core.encoders.model_files import external_files
from clip_core.encoders.registry import load_encoder
from clip_core.errors import DamagedModelError, EncoderError
from tests.support.model_maker import make_clip, small_vision

SECONDS = itertools.count(1_700_000_000)


def outside_tensor(location: str, *, external: bool = True, name: str = "w") -> onnx.TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4])
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    if external:
        tensor.data_location = TensorProto.EXTERNAL
    return tensor


def graph(**fields: list) -> onnx.GraphProto:
    made = helper.make_graph(fields.pop("nodes", []), "g", [], [])
    for field, values in fields.items():
        getattr(made, field).extend(values)
    return made


def node(tensor: onnx.TensorProto) -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["x"], value=tensor)


def sparse(tensor: onnx.TensorProto) -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=tensor, dims=[4])


def model(inner: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(inner)


def in_function(tensor: onnx.TensorProto) -> onnx.ModelProto:
    made = model(graph())
    made.functions.append(helper.make_function("d", "f", [], ["x"], [node(tensor)], []))
    return made


def in_training(tensor: onnx.TensorProto) -> onnx.ModelProto:
    made = model(graph())
    made.training_info.add().algorithm.CopyFrom(graph(initializer=[tensor]))
    return made


def with_attribute(**fields: object) -> onnx.ModelProto:
    attribute = onnx.AttributeProto(name="a", **fields)
    made = helper.make_node("If", [], ["x"])
    made.attribute.append(attribute)
    return model(graph(nodes=[made]))


PLACES = {
    "initializer": lambda t: model(graph(initializer=[t])),
    "sparse initializer": lambda t: model(graph(sparse_initializer=[sparse(t)])),
    "constant": lambda t: model(graph(nodes=[node(t)])),
    "tensors": lambda t: with_attribute(tensors=[t]),
    "sparse attribute": lambda t: with_attribute(sparse_tensor=sparse(t)),
    "sparse attributes": lambda t: with_attribute(sparse_tensors=[sparse(t)]),
    "subgraph": lambda t: with_attribute(g=graph(initializer=[t])),
    "subgraphs": lambda t: with_attribute(graphs=[graph(nodes=[node(t)])]),
    "function": in_function,
    "training": in_training,
}


def save(folder: Path, made: onnx.ModelProto) -> Path:
    path = folder / "m.onnx"
    path.write_bytes(made.SerializeToString())
    os.utime(path, (next(SECONDS),) * 2)  # files are told apart by their time, and a disk's clock may be coarse
    return path


@pytest.mark.parametrize("place", PLACES)
def test_found_wherever_a_tensor_can_stand(tmp_path: Path, place: str) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(16))
    path = save(tmp_path, PLACES[place](outside_tensor("weights.bin")))
    assert external_files(path, tmp_path) == ((tmp_path / "weights.bin").resolve(),)
    path = save(tmp_path, PLACES[place](outside_tensor("/etc/passwd")))
    with pytest.raises(EncoderError, match=r"^m\.onnx refers to weights outside the model's folder \(passwd\)"):
        external_files(path, tmp_path)


@pytest.mark.parametrize(
    "location",
    ["/etc/passwd", "../secret.bin", "sub/../../secret.bin", "sub/../in.bin", "..\\secret.bin", "C:\\x",
     "*/_ORT_MEM_ADDR_/*", "file:///etc/passwd", "in.bin\x00", ""],
)  # fmt: skip
def test_tricks_with_paths_are_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    for file in (tmp_path / "secret.bin", folder / "in.bin"):
        file.write_bytes(bytes(16))
    for external in (True, False):
        path = save(folder, model(graph(initializer=[outside_tensor(location, external=external)])))
        with pytest.raises(EncoderError, match=r"outside the model's folder .* refused"):
            external_files(path, folder)


def test_links_that_lead_outside_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "door").symlink_to(tmp_path)
    for location in ("link.bin", "door/secret.bin"):
        path = save(folder, model(graph(initializer=[outside_tensor(location)])))
        with pytest.raises(EncoderError, match="outside the model's folder"):
            external_files(path, folder)
    (folder / "in.bin").write_bytes(bytes(16))
    (folder / "inner.bin").symlink_to(folder / "in.bin")
    path = save(folder, model(graph(initializer=[outside_tensor("inner.bin")])))
    assert external_files(path, folder) == ((folder / "in.bin").resolve(),)


def test_a_linked_model_keeps_its_weights_inside(tmp_path: Path) -> None:
    folder, other = tmp_path / "model", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (folder / "in.bin").write_bytes(bytes(16))
    path = save(other, model(graph(initializer=[outside_tensor("in.bin")])))
    (folder / "m.onnx").symlink_to(path)
    with pytest.raises(EncoderError, match="outside the model's folder"):
        external_files(folder / "m.onnx", folder)
    assert external_files(folder / "m.onnx", tmp_path) == ((folder / "in.bin").resolve(),)


def test_a_second_location_in_one_tensor_counts_too(tmp_path: Path) -> None:
    (tmp_path / "in.bin").write_bytes(bytes(16))
    for first, second in (("in.bin", "/etc/passwd"), ("/etc/passwd", "in.bin")):
        tensor = outside_tensor(first)
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", second
        path = save(tmp_path, model(graph(initializer=[tensor])))
        with pytest.raises(EncoderError, match="outside the model's folder"):
            external_files(path, tmp_path)


def test_a_key_written_twice_in_one_entry_counts(tmp_path: Path) -> None:
    entry = b"\x0a\x03foo" + b"\x0a\x08location" + b"\x12\x06in.bin" + b"\x12\x0b/etc/passwd"
    tensor = b"\x6a" + bytes([len(entry)]) + entry
    inner = b"\x2a" + bytes([len(tensor)]) + tensor
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x3a" + bytes([len(inner)]) + inner)
    (tmp_path / "in.bin").write_bytes(bytes(16))
    assert onnx.load_model(path, load_external_data=False).graph.initializer[0].external_data[0].value == "/etc/passwd"
    with pytest.raises(EncoderError, match="outside the model's folder"):
        external_files(path, tmp_path)


def test_missing_data_and_no_file(tmp_path: Path) -> None:
    path = save(tmp_path, model(graph(initializer=[outside_tensor("gone.bin")])))
    with pytest.raises(EncoderError, match=r"^m\.onnx needs the file gone\.bin, which is missing\."):
        external_files(path, tmp_path)
    os.mkfifo(tmp_path / "pipe")
    path = save(tmp_path, model(graph(initializer=[outside_tensor("pipe")])))
    with pytest.raises(EncoderError, match="pipe, which is not a regular file"):
        external_files(path, tmp_path)


def test_weights_in_the_file_need_no_other(tmp_path: Path) -> None:
    assert external_files(save(tmp_path, small_vision()), tmp_path) == ()


def test_broken_files(tmp_path: Path) -> None:
    whole = small_vision().SerializeToString()
    path = tmp_path / "m.onnx"
    for content in (b"", whole[:-5], whole[: len(whole) // 2], np.random.default_rng(0).bytes(5000), b"\xff" * 64):
        path.write_bytes(content)
        with pytest.raises(EncoderError, match=r"^m\.onnx is not a readable ONNX file\."):
            external_files(path, tmp_path)


def test_hostile_files_end_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "MAX_FIELDS", 1000)
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x01" * 5000)
    with pytest.raises(EncoderError, match="not a readable ONNX file"):
        external_files(path, tmp_path)
    monkeypatch.setattr(model_files, "MAX_DEPTH", 20)
    inner = graph()
    for _ in range(10):
        inner = with_attribute(g=inner).graph
    with pytest.raises(EncoderError, match="not a readable ONNX file"):
        external_files(save(tmp_path, model(inner)), tmp_path)


def test_an_encoder_reads_weights_beside_the_model_and_nowhere_else(tmp_path: Path) -> None:
    folder = make_clip(tmp_path / "whole")
    plain = load_encoder(str(folder))
    vision = folder / "onnx" / "vision_model.onnx"
    made = onnx.load_model(vision)
    onnx.save_model(made, vision, save_as_external_data=True, location="weights.bin", size_threshold=1000)
    assert (folder / "onnx" / "weights.bin").stat().st_size > 1000
    apart = load_encoder(str(folder))
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    np.testing.assert_allclose(apart.embed_images([image]), plain.embed_images([image]), atol=1e-6)
    weights = bytearray((folder / "onnx" / "weights.bin").read_bytes())
    weights[10] ^= 1
    (folder / "onnx" / "weights.bin").write_bytes(weights)
    assert load_encoder(str(folder)).fingerprint != apart.fingerprint
    (tmp_path / "weights.bin").write_bytes(weights)
    (folder / "onnx" / "weights.bin").unlink()
    (folder / "onnx" / "weights.bin").symlink_to(tmp_path / "weights.bin")
    with pytest.raises(EncoderError, match="outside the model's folder"):
        load_encoder(str(folder))


def test_names_of_numpy_made_tensors_do_not_matter(tmp_path: Path) -> None:
    tensor = numpy_helper.from_array(np.zeros(4, dtype=np.float32), "location")
    assert external_files(save(tmp_path, model(graph(initializer=[tensor]))), tmp_path) == ()


def test_a_file_is_walked_once_and_what_it_names_is_looked_for_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights.bin"
    weights.write_bytes(bytes(16))
    path, opened, opening = save(tmp_path, model(graph(initializer=[outside_tensor("weights.bin")]))), [], Path.open

    def noted(self: Path, *args: object, **options: object) -> object:
        opened.append(self.name)
        return opening(self, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", noted)
    for _ in range(3):
        assert external_files(path, tmp_path) == (weights.resolve(),)
    assert opened == ["m.onnx"]
    weights.unlink()
    with pytest.raises(EncoderError, match=r"^m\.onnx needs the file weights\.bin, which is missing\."):
        external_files(path, tmp_path)
    assert opened == ["m.onnx"]
    length = path.stat().st_size
    save(tmp_path, model(graph(initializer=[outside_tensor("/etc/passwd")])))
    assert path.stat().st_size == length  # so that only its time tells
    with pytest.raises(EncoderError, match="outside the model's folder"):
        external_files(path, tmp_path)


def test_damage_is_told_apart_from_what_is_missing(tmp_path: Path) -> None:
    path = save(tmp_path, model(graph(initializer=[outside_tensor("weights.bin")])))
    for _ in range(2):
        with pytest.raises(EncoderError) as missing:
            external_files(path, tmp_path)
        assert type(missing.value) is EncoderError
    for data in (b"", bytes(40), b"\x3a\xff"):
        path.write_bytes(data)
        for _ in range(2):
            with pytest.raises(DamagedModelError, match=r"^m\.onnx is not a readable ONNX file\."):
                external_files(path, tmp_path)
    path.unlink()
    with pytest.raises(EncoderError, match=r"^m\.onnx is not a readable ONNX file\.") as gone:
        external_files(path, tmp_path)
    assert type(gone.value) is EncoderError

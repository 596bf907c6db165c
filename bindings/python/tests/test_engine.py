"""Tests the installed wheel, as a user does: `.ci/python`."""

import base64
import io
import json
import multiprocessing
import pathlib
import pickle
import threading
import time

import numpy
import PIL.Image
import pytest

from face_liveness import Engine, LivenessError

ROOT = pathlib.Path(__file__).parents[3]
PHOTO = (ROOT / "examples/photos/astronaut.jpg").read_bytes()
PIXELS = numpy.asarray(PIL.Image.open(ROOT / "examples/photos/astronaut.png").convert("RGB"))
REQUEST = {"images": [{"index": 0, "type": "RGB", "data": base64.b64encode(PHOTO).decode()}]}


@pytest.fixture(scope="module")
def engine():
    return Engine()


def test_a_request_is_a_dict_or_its_json(engine):
    text = json.dumps(REQUEST)
    response = engine.detect(REQUEST)
    assert response["spoofScore"] < 0.5
    assert set(response["position"]) == {"left", "top", "width", "height"}
    assert response == engine.detect(text) == engine.detect(text.encode())
    status, body = engine.detect_json(text.encode())
    assert (status, json.loads(body)) == (200, response)
    assert response == engine.detect_image(PHOTO) == engine.detect_image(bytearray(PHOTO))


def test_the_readme_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    readme = (ROOT / "bindings/python/README.md").read_text()
    for code in [part.split("```")[0] for part in readme.split("```python\n")[1:]]:
        exec(code, {})


def test_pixels_are_rows_of_rgb(engine):
    png = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(png, "png")
    expected = engine.detect_image(png.getvalue())
    assert engine.detect_image(PIXELS) == expected
    # Neither contiguous nor NumPy's.
    wide = numpy.zeros((512, 1024, 3), numpy.uint8)
    wide[:, ::2] = PIXELS
    assert engine.detect_image(wide[:, ::2]) == expected
    assert engine.detect_image(PIL.Image.fromarray(PIXELS)) == expected


def test_errors_have_a_code_a_path_and_a_description(engine):
    with pytest.raises(LivenessError) as raised:
        engine.detect({"images": []})
    error = raised.value
    assert (error.code, error.message, error.path) == (219, "image_data_too_few", "images")
    assert str(error) == error.description
    blank = numpy.full((200, 200, 3), 90, numpy.uint8)
    for image, code in [(b"no image", 215), (PHOTO[:5000], 215), (blank, 223)]:
        with pytest.raises(LivenessError) as raised:
            engine.detect_image(image)
        assert raised.value.code == code
    with pytest.raises(LivenessError) as raised:
        engine.detect_image(PHOTO, model="no such model")
    assert raised.value.code == 113


def test_many_images_are_answered_in_order(engine):
    images = [PHOTO, b"no image", PIXELS] * 4
    answers = engine.detect_many(iter(images), threads=2)
    assert answers[0::3] == [engine.detect_image(PHOTO)] * 4
    assert answers[2::3] == [engine.detect_image(PIXELS)] * 4
    assert all(isinstance(error, LivenessError) and error.code == 215 for error in answers[1::3])
    assert engine.detect_many([]) == []


def test_other_threads_run_meanwhile(engine):
    ticks, over = [], threading.Event()

    def tick():
        while not over.wait(0.001):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    began = time.monotonic()
    engine.detect_many([PHOTO] * 20, threads=1)
    ended = time.monotonic()
    over.set()
    thread.join()
    assert sum(began < moment < ended for moment in ticks) > 10


def score_in_another_process(engine):
    return engine.detect_image(PHOTO), engine.default_model


def test_a_pickled_engine_is_its_arguments():
    engine = Engine(default_model="rgb-single-v1", provenance=True)
    pickled = pickle.dumps(engine)
    assert len(pickled) < 200
    expected = engine.detect_image(PHOTO), "rgb-single-v1"
    assert "provenance" in expected[0]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(score_in_another_process, [engine] * 3) == [expected] * 3


def test_an_engine_is_loaded_once_in_a_process():
    Engine()
    began = time.process_time()
    for _ in range(1000):
        Engine()
    # Loading the networks takes tens of milliseconds.
    assert time.process_time() - began < 1


def test_there_is_a_name_for_each_model(engine):
    assert engine.default_model == "rgb-single-v2"
    assert "rgb-burst-v2" in engine.model_names
    assert repr(engine) == 'Engine(default_model="rgb-single-v2")'
    with pytest.raises(RuntimeError, match="no such model"):
        Engine(default_model="no such model")


WRONG = [
    None, True, -1, 10**30, 1.5, float("nan"), "", "text", "\ud800", b"", b"\0" * 100, [], (), {},
    set(), object(), Engine, len, numpy.zeros(3), numpy.zeros((0, 0, 3), numpy.uint8),
    numpy.zeros((2, 2, 4), numpy.uint8), numpy.zeros((2, 2, 3), numpy.uint16), numpy.array("text"),
    numpy.uint8(3), memoryview(b"data"), range(3), {"images": float("nan")}, {1: object()},
]
CYCLE: dict = {}
CYCLE["images"] = CYCLE


class Liar:
    """An array whose memory is not what it says."""

    def __init__(self, interface, data):
        self.__array_interface__ = interface
        self.tobytes = lambda: data


LIARS = [
    Liar({"typestr": "|u1", "shape": shape}, data)
    for shape in [(2, 2, 3), (10**9, 10**9, 3), (-1, 2, 3), (2**70, 1, 3), "no", None]
    for data in [b"", b"\0" * 11, b"\0" * 13, None, "text"]
] + [Liar(interface, b"") for interface in [None, 3, {}, {"typestr": 3, "shape": 3}]]


@pytest.mark.parametrize("wrong", [*WRONG, CYCLE, *LIARS], ids=lambda value: type(value).__name__)
def test_a_wrong_argument_is_an_exception(engine, wrong):
    calls = [
        lambda: engine.detect(wrong),
        lambda: engine.detect_image(wrong),
        lambda: engine.detect_image(PHOTO, model=wrong),
        lambda: engine.detect_image(PHOTO, auto_rotate=wrong),
        lambda: engine.detect_many([wrong]),
        lambda: engine.detect_many(wrong),
        lambda: engine.detect_many([PHOTO], threads=wrong),
        lambda: engine.detect_many([PHOTO], model=wrong),
        lambda: engine.detect_json(wrong),
        lambda: Engine(default_model=wrong),
        lambda: Engine(provenance=wrong),
        lambda: Engine(wrong),
    ]
    outcomes = []
    for call in calls:
        try:
            outcomes.append(call())
        except Exception as error:  # noqa: BLE001
            outcomes.append(error)
    assert isinstance(outcomes[0], Exception) and isinstance(outcomes[1], Exception)
    assert isinstance(outcomes[-1], TypeError)

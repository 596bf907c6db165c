"""Face presentation attack detection: a photo to a spoof score and the position of the face."""

from collections.abc import Iterable
from typing import Any, Optional, Protocol, TypedDict, Union

from typing_extensions import NotRequired

class _Array(Protocol):
    """NumPy's array interface: uint8, height × width × 3, in the order R, G, B."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...
    def tobytes(self) -> bytes: ...

Image = Union[bytes, bytearray, _Array]

class Position(TypedDict):
    """The box of the face, in pixels of the upright image."""

    left: int
    top: int
    width: int
    height: int

class Response(TypedDict):
    """The answer to a request. docs/CONTRACT.md has the fields."""

    spoofScore: float
    position: Position
    model: str
    warnings: NotRequired[list[str]]
    provenance: NotRequired[dict[str, Any]]
    quality: NotRequired[dict[str, float]]

class LivenessError(Exception):
    """A request that has no score. No attribute holds image data."""

    code: int
    """The number of the contract: 223 where there is no face."""
    message: str
    """The code in words."""
    path: Optional[str]
    """The field at fault."""
    description: str
    """A sentence for developers."""

class Engine:
    """A detector and liveness models, loaded once and shared by all threads.

    A pickled engine is its arguments: another process loads the networks once.
    """

    def __new__(
        cls, *, default_model: Optional[str] = None, provenance: bool = False
    ) -> Engine: ...
    @property
    def default_model(self) -> str:
        """The name of the model that scores a request without `model`."""
    @property
    def model_names(self) -> list[str]:
        """The names by which requests choose a model."""
    def detect(self, request: Union[dict[str, Any], str, bytes]) -> Response:
        """Scores a request of the Liveness API. Raises LivenessError."""
    def detect_json(self, body: bytes) -> tuple[int, bytes]:
        """Answers a body as the service does: the HTTP status, and a body of JSON."""
    def detect_image(
        self, image: Image, *, auto_rotate: bool = False, model: Optional[str] = None
    ) -> Response:
        """Scores the bytes of a file, or pixels. Raises LivenessError."""
    def detect_many(
        self,
        images: Iterable[Image],
        *,
        threads: Optional[int] = None,
        auto_rotate: bool = False,
        model: Optional[str] = None,
    ) -> list[Union[Response, LivenessError]]:
        """Scores many images at once, while other Python threads run.

        The list has the response of each image, or its LivenessError, which is not raised.
        """

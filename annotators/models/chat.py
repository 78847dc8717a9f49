"""Questions with pictures to an OpenAI-compatible chat endpoint, and the JSON in its answers."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any

import cv2
import orjson

from ..frames import Picture
from .endpoint import AnswerError

PATH = "chat/completions"
_FENCE = re.compile(r"^```(?:json)?\s*\n(.*?)\n?```$", re.DOTALL)


def question(model: str, task: str, about: str, pictures: Sequence[Picture], max_tokens: int = 2000) -> dict[str, Any]:
    """The body of a request: `task` says what to do and in what JSON to answer, `about` is what was recorded, with pictures.

    The two are apart, so that what a recording says is not taken for a task. Temperature 0: the same answer, if it can be.
    """
    shown = [{"type": "image_url", "image_url": {"url": data_uri(picture)}} for picture in pictures]
    return {
        "model": model,
        "temperature": 0,
        "max_tokens": max_tokens,
        "response_format": {"type": "json_object"},
        "messages": [
            {"role": "system", "content": task},
            {"role": "user", "content": [{"type": "text", "text": about}, *shown]},
        ],
    }


def data_uri(picture: Picture, suffix: str = ".jpg") -> str:
    """A picture as a `data:` address, JPEG (quality 90) or PNG."""
    done, coded = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not done:
        raise ValueError(f"a picture of {picture.shape} cannot be encoded as {suffix}")
    kind = {".jpg": "jpeg", ".png": "png"}[suffix]
    return f"data:image/{kind};base64,{base64.b64encode(coded.tobytes()).decode()}"


def said(answer: Any) -> dict[str, Any]:
    """The object that the model wrote. Raises AnswerError where there is none."""
    try:
        choice = answer["choices"][0]
        content = choice["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise AnswerError(
            "answer_malformed", "the answer is no chat completion: it has no choices[0].message.content"
        ) from error
    if choice.get("finish_reason") == "length":
        raise AnswerError("answer_cut", "the model's answer was cut off at its length limit: ask about less at a time")
    text = content.strip() if isinstance(content, str) else ""
    fenced = _FENCE.match(text)
    try:
        value = orjson.loads(fenced[1] if fenced else text)
    except orjson.JSONDecodeError as error:
        raise AnswerError("answer_malformed", f"the model wrote no JSON but {text[:80]!r}") from error
    if not isinstance(value, dict):
        raise AnswerError("answer_malformed", f"the model wrote {text[:80]!r}, asked for was an object")
    return value

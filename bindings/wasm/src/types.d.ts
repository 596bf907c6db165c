/** The pixels of a canvas, or any object with the same fields. */
export interface Pixels {
  /** R, G, B and alpha of each pixel, row by row. */
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

export interface ImageOptions {
  /** Whether to apply the file's Exif orientation; off unless set. */
  autoRotate?: boolean;
}

/** The answer to a request body. */
export interface JsonAnswer {
  /** As over HTTP: 200, 400, 413 or 500. */
  status: number;
  /** JSON: a `LivenessResponse`, or an error body. */
  body: string;
}

export interface LivenessResponse {
  /** The probability, 0 to 1, that the face is a presentation attack. */
  spoofScore: number;
  /** The face's box in pixels, after `autoRotate`. */
  position: { top: number; left: number; width: number; height: number };
  model: string;
  /** What makes the score less reliable, such as `smallFace`; absent when there is nothing. */
  warnings?: string[];
  /** Measures of the face, where the request asked for them by `quality`. */
  quality?: Record<string, number>;
}

/** What `detectImage` and `detectPixels` throw: `code` is that of the error body. */
export interface LivenessError extends Error {
  name: "LivenessError";
  code: number;
}

package onnx

import _ "embed"

// Names of the shipped models. models/README.md is their card: where they come
// from, under which licence, what was changed and how they measure.
const (
	Detector   = "det" // finds lines of text: image 1×3×H×W → probability map 1×1×H×W
	Recogniser = "rec" // reads a line: strip 1×3×48×W → classes 1×(W/8)×C, blank first
)

//go:embed models/det.onnx
var detector []byte

//go:embed models/rec.onnx
var recogniser []byte

//go:embed models/rec.charset.txt
var charset string

var models = map[string][]byte{Detector: detector, Recogniser: recogniser}

// Charset is what the classes of the Recogniser after the blank stand for, one
// character a class; the last is the space.
func Charset() string { return charset }

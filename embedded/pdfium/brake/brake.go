// Package brake rewrites a WebAssembly module so that it can be stopped from
// outside at almost no cost: at the head of every loop it puts a look at one word
// of the module's memory and a trap if that word is not zero. Whoever runs the
// module stops it by writing there; recursion without loops ends by itself at the
// limit of the stack.
//
// It exists because wazero's own way, WithCloseOnContextDone, leaves the compiled
// code at every turn of every loop and starts a goroutine for every call, which
// makes PDFium two to four times slower.
//
// It owns nothing, knows nothing of PDFium, and refuses modules with instructions
// it does not know rather than guess their length.
package brake

import (
	"errors"
	"fmt"
)

// Address of the word that stops the module. Emscripten places data from 1024
// upwards and leaves what is below unused, so that null pointers hit nothing.
const Address = 1016

// look is i32.const 1016, i32.load, if, unreachable, end.
var look = []byte{0x41, 0xf8, 0x07, 0x28, 0x02, 0x00, 0x04, 0x40, 0x00, 0x0b}

var errShort = errors.New("module ends within an instruction")

// Fit gives the module with a brake in every loop, and how many loops it has.
func Fit(module []byte) (out []byte, loops int, err error) {
	if len(module) < 8 || string(module[:4]) != "\x00asm" {
		return nil, 0, errors.New("not a WebAssembly module")
	}
	out = append(out, module[:8]...)
	for r := (&reader{b: module, i: 8}); r.i < len(r.b); {
		id := r.byte()
		body := r.bytes(int(r.uint()))
		if r.short {
			return nil, 0, errShort
		}
		if id == 10 {
			if body, loops, err = code(body); err != nil {
				return nil, 0, err
			}
		}
		out = append(appendUint(append(out, id), uint64(len(body))), body...)
	}
	return out, loops, nil
}

// code rewrites the code section.
func code(section []byte) (out []byte, loops int, err error) {
	r := &reader{b: section}
	n := r.uint()
	out = appendUint(out, n)
	for f := range n {
		body := r.bytes(int(r.uint()))
		if r.short {
			return nil, 0, errShort
		}
		fitted, found, err := function(body)
		if err != nil {
			return nil, 0, fmt.Errorf("function %d: %w", f, err)
		}
		loops += found
		out = append(appendUint(out, uint64(len(fitted))), fitted...)
	}
	return out, loops, nil
}

// function rewrites one body: declarations of locals, then instructions.
func function(body []byte) (out []byte, loops int, err error) {
	r := &reader{b: body}
	for range r.uint() {
		r.uint()
		r.byte()
	}
	done := 0
	for r.i < len(r.b) && !r.short {
		op := r.byte()
		if err := r.skip(op); err != nil {
			return nil, 0, err
		}
		if op == 0x03 { // loop
			out = append(append(out, body[done:min(r.i, len(body))]...), look...)
			done = r.i
			loops++
		}
	}
	if r.short {
		return nil, 0, errShort
	}
	return append(out, body[done:]...), loops, nil
}

// reader walks bytes; short is set when they end too early.
type reader struct {
	b     []byte
	i     int
	short bool
}

func (r *reader) byte() byte {
	if r.i >= len(r.b) {
		r.short = true
		return 0
	}
	r.i++
	return r.b[r.i-1]
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b)-r.i {
		r.short = true
		return nil
	}
	r.i += n
	return r.b[r.i-n : r.i]
}

// uint reads an LEB128 number; of a signed one it gives no meaning, only the end.
func (r *reader) uint() (v uint64) {
	for shift := 0; shift < 70; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			break
		}
	}
	return v
}

func appendUint(b []byte, v uint64) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

func (r *reader) uints(n int) {
	for range n {
		r.uint()
	}
}

// memory skips alignment, perhaps a memory's index, and offset.
func (r *reader) memory() {
	if r.uint()&0x40 != 0 {
		r.uint()
	}
	r.uint()
}

// skip passes what follows an opcode. One piece: it is the table of the format.
func (r *reader) skip(op byte) error {
	switch {
	case op >= 0x45 && op <= 0xc4, op <= 0x01, op == 0x05, op == 0x0a, op == 0x0b, op == 0x0f,
		op == 0x19, op == 0x1a, op == 0x1b, op == 0xd1:
		// nothing follows
	case op >= 0x02 && op <= 0x04, op >= 0x06 && op <= 0x09, op == 0x0c, op == 0x0d, op == 0x10, op == 0x12,
		op == 0x18, op >= 0x20 && op <= 0x26, op >= 0x3f && op <= 0x42, op == 0xd0, op == 0xd2:
		r.uint()
	case op == 0x11, op == 0x13:
		r.uints(2)
	case op == 0x0e: // br_table
		r.uints(int(min(r.uint(), uint64(len(r.b)))) + 1)
	case op == 0x1c: // select with types
		r.uints(int(min(r.uint(), uint64(len(r.b)))))
	case op == 0x1f: // try_table
		r.uint()
		for range min(r.uint(), uint64(len(r.b))) {
			if kind := r.byte(); kind < 2 {
				r.uint()
			}
			r.uint()
		}
	case op >= 0x28 && op <= 0x3e:
		r.memory()
	case op == 0x43:
		r.bytes(4)
	case op == 0x44:
		r.bytes(8)
	case op == 0xfc:
		return r.bulk(r.uint())
	case op == 0xfd:
		return r.vector(r.uint())
	default:
		return fmt.Errorf("unknown instruction %#x", op)
	}
	return nil
}

// bulk passes what follows a memory or table instruction.
func (r *reader) bulk(op uint64) error {
	switch {
	case op <= 7:
	case op == 9, op == 11, op == 13, op >= 15 && op <= 17:
		r.uint()
	case op == 8, op == 10, op == 12, op == 14:
		r.uints(2)
	default:
		return fmt.Errorf("unknown instruction 0xfc %d", op)
	}
	return nil
}

// vector passes what follows a SIMD instruction.
func (r *reader) vector(op uint64) error {
	switch {
	case op <= 11, op == 92, op == 93:
		r.memory()
	case op == 12, op == 13:
		r.bytes(16)
	case op >= 21 && op <= 34:
		r.byte()
	case op >= 84 && op <= 91:
		r.memory()
		r.byte()
	case op > 0x113:
		return fmt.Errorf("unknown instruction 0xfd %d", op)
	}
	return nil
}

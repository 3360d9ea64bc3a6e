package eval

import (
	"encoding/json"
	"slices"
	"strings"
)

// list counts the values of a repeated field, each with a value of the label or none, and gives one
// mark for them: of one that was missed or not asked for, before that of all right ones.
func (s *scorer) list(f compared, labels []string) byte {
	open := slices.Clone(labels)
	var got []compared
	for i := range f.o.Result.Fields {
		if x := &f.o.Result.Fields[i]; x.Name == f.spec.Name && x.Value != "" {
			one := f
			one.got = x
			got = append(got, one)
		}
	}
	take := func(right func(one compared, label string) bool) {
		for i := range got {
			if k := slices.IndexFunc(open, func(l string) bool { return !got[i].labelled && right(got[i], l) }); k >= 0 {
				got[i].label, got[i].labelled = open[k], true
				open = slices.Delete(open, k, k+1)
			}
		}
	}
	take(func(one compared, l string) bool { return s.same(one.kind(), one.got.Value, l) })
	take(func(compared, string) bool { return true }) // what is left is one wrong value, not one missed and one too many
	for _, l := range open {
		one := f
		one.label, one.labelled = l, true
		got = append(got, one)
	}
	worst := byte(markNone)
	for _, one := range got {
		if m := s.field(one); strings.IndexByte(ofAList, m) > strings.IndexByte(ofAList, worst) {
			worst = m
		}
	}
	return worst
}

// ofAList holds the marks in the order in which one stands for all of a list: all are accepted only
// where none is not, and a wrong one that was accepted is the worst.
const ofAList = "-RrxmwXW"

// Values reads the label of a repeated field: a list of strings and numbers, or one of them. Empty
// ones are none.
func Values(raw json.RawMessage) ([]string, bool) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	out := []string{}
	for _, x := range list {
		v, ok := scalarOf(x)
		if !ok {
			return nil, false
		}
		if v != "" {
			out = append(out, v)
		}
	}
	return out, true
}

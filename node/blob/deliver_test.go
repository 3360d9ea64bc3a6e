package blob

import "testing"

// Whether an object was there is what this member's own disk says, whoever answers
// first: a round of repair may have sent a fresh one from here to the others.
func TestDelivery_ExistedIsTheOwnDisksWord(t *testing.T) {
	t.Parallel()
	self, other := "n0", "n1"
	v := newView(self, []Member{{ID: self}, {ID: other}, {ID: "n2"}})
	for _, c := range []struct {
		name string
		sent []sent
		want bool
	}{
		{"new here, sent on meanwhile", []sent{{id: self}, {id: other, existed: true}}, false},
		{"the same, the other first", []sent{{id: other, existed: true}, {id: self}}, false},
		{"here before, not there", []sent{{id: self, existed: true}, {id: other}}, true},
		{"only others have answered", []sent{{id: other, existed: true}, {id: "n2"}}, true},
		{"new everywhere", []sent{{id: other}, {id: self}}, false},
	} {
		d := &delivery{v: v, answered: make(chan struct{})}
		for _, s := range c.sent {
			d.note(t.Context(), s)
		}
		if !d.done || d.err != nil || d.existed != c.want {
			t.Errorf("%s: existed %v, want %v (%v, %v)", c.name, d.existed, c.want, d.done, d.err)
		}
	}
}

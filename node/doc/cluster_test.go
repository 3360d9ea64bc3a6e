package doc

import "testing"

func TestPosition(t *testing.T) {
	t.Parallel()
	p, err := ParsePosition("12.7")
	if err != nil || p != (Position{12, 7}) || p.String() != "12.7" {
		t.Errorf("parsed %+v, %v", p, err)
	}
	for _, bad := range []string{"", "1", "1.", ".1", "1.2.3", "-1.2", "a.b", "1. 2", "18446744073709551616.0"} {
		if _, err := ParsePosition(bad); CodeOf(err) != Invalid {
			t.Errorf("%q is taken for a position: %v", bad, err)
		}
	}
	q := Position{10, 9}
	if m := p.Max(q); m != (Position{12, 9}) || !m.Holds(p) || !m.Holds(q) || p.Holds(q) || q.Holds(p) {
		t.Errorf("%s and %s are both held by %s", p, q, m)
	}
}

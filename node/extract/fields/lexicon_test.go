package fields

import "testing"

func TestRepairAddress(t *testing.T) {
	t.Parallel()
	clear := map[string]bool{"laman": true, "stret": true, "perindustrlan": true}
	for _, c := range []struct{ read, want string }{
		{"Jelan Tampoi", "Jalan Tampoi"},
		{"Taman Rlmbunan", "Taman Rlmbunan"}, // no word that is known
		{"LAMAN RIMBUNAN,", "LAMAN RIMBUNAN,"},
		{"Kawasan Perindustrlan", "Kawasan Perindustrian"},
		{"1OT 1851-A", "LOT 1851-A"},
		{"Stret Laman", "Street Laman"},
		{"HAMAN RIMBUNAN,", "TAMAN RIMBUNAN,"},
		{"4330O SERI KEMBANGAN,", "43300 SERI KEMBANGAN,"},
		{"O1067 Dresden", "01067 Dresden"},
		{"LOT 1OA, 12O JALAN", "LOT 1OA, 12O JALAN"}, // too few digits to tell
		{"1000AO AMSTERDAM", "1000AO AMSTERDAM"},
	} {
		if got := repairAddress(c.read, clear); got != c.want {
			t.Errorf("%q: got %q, want %q", c.read, got, c.want)
		}
	}
}

package fields

import "testing"

func TestUnitsAreNamedByTheirCodes(t *testing.T) {
	for printed, want := range map[string]string{
		"Stk": "C62", "Stück": "C62", "pcs.": "C62", "each": "EA", "kg": "KGM", "m²": "MTK", "qm": "MTK", "lfm": "MTR", "Std.": "HUR", "hours": "HUR",
		"heures": "HUR", "Monate": "MON", "KWH": "KWH", "pauschal": "LS", "Gebinde": "Gebinde",
	} {
		if got := unitCode(printed); got != want {
			t.Errorf("unit %q is %q, want %q", printed, got, want)
		}
	}
	for text, want := range map[string]string{"Travel (hours)": "HUR", "Heizöl pro Liter": "LTR", "Chairs (oak)": "", "Prix par heure": "HUR"} {
		if got, _ := unitNamed(text); got != want {
			t.Errorf("unit named in %q is %q, want %q", text, got, want)
		}
	}
}

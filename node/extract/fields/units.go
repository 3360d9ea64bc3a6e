package fields

// units maps printed units to the codes of UN/ECE Recommendation 20, in which
// e-invoices write them.
var units = map[string]string{
	"stk": "H87", "stck": "H87", "stuck": "H87", "pcs": "H87", "pc": "H87", "piece": "H87", "pieces": "H87", "pce": "H87", "ea": "H87", "each": "H87",
	"kg": "KGM", "g": "GRM", "t": "TNE", "l": "LTR", "ltr": "LTR", "liter": "LTR", "litre": "LTR", "ml": "MLT",
	"m": "MTR", "km": "KMT", "cm": "CMT", "mm": "MMT", "m2": "MTK", "qm": "MTK", "m3": "MTQ", "cbm": "MTQ",
	"h": "HUR", "std": "HUR", "stunde": "HUR", "stunden": "HUR", "hour": "HUR", "hours": "HUR", "hrs": "HUR", "heure": "HUR", "heures": "HUR",
	"min": "MIN", "tag": "DAY", "tage": "DAY", "day": "DAY", "days": "DAY", "jour": "DAY", "jours": "DAY",
	"monat": "MON", "monate": "MON", "month": "MON", "months": "MON", "mois": "MON", "jahr": "ANN", "jahre": "ANN", "year": "ANN", "years": "ANN",
	"kwh": "KWH", "psch": "LS", "pauschal": "LS", "pauschale": "LS", "set": "SET", "paar": "PR", "karton": "CT",
}

// unitCode gives the code of a printed unit, or the unit as printed.
func unitCode(s string) string {
	if c, ok := units[squash(s)]; ok {
		return c
	}
	return tidy(s)
}

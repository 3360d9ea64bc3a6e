package symbol

import (
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

func flat(fields []doc.Field) map[string]string {
	m := map[string]string{}
	for _, f := range fields {
		m[f.Name] = f.Value
		if len(f.FailedChecks) > 0 {
			m[f.Name] += " failed"
		}
	}
	return m
}

const swissBill = "SPC\n0200\n1\nCH4431999123000889012\nS\nRobert Schneider AG\nRue du Lac\n1268\n2501\nBiel\nCH\n\n\n\n\n\n\n\n1949.75\nCHF\nS\nPia-Maria Rutschmann-Schnyder\nGrosse Marktgasse\n28\n9400\nRorschach\nCH\nQRR\n210000000003139471430009017\nOrder of 15.06.2020\nEPD\n//S1/10/10201409/11/200701/20/140.000-53/30/102673831/31/200615/32/7.7/33/7.7:139.40/40/0:30"

func TestPayloads(t *testing.T) {
	tests := map[string]struct {
		format, text string
		want         map[string]string
	}{
		"epc": {"qr_code", "BCD\n002\n1\nSCT\nBPOTBEB1\nRed Cross of Belgium\nBE72000000001616\nEUR1\nCHAR\n\nUrgency fund\nSample EPC QR code", map[string]string{
			"bic": "BPOTBEB1", "seller_name": "Red Cross of Belgium", "iban": "BE72000000001616", "currency": "EUR", "due_total": "1.00", "gross_total": "1.00", "payment_reference": "Urgency fund"}},
		"epc, short, CRLF, reference": {"qr_code", "BCD\r\n001\r\n1\r\nSCT\r\n\r\nMuster AG\r\nDE89 3704 0044 0532 0130 00\r\nEUR12.30\r\n\r\nRF18539007547034", map[string]string{
			"seller_name": "Muster AG", "iban": "DE89370400440532013000", "due_total": "12.30", "payment_reference": "RF18539007547034"}},
		"epc, wrong IBAN": {"qr_code", "BCD\n002\n1\nSCT\n\nX\nDE88370400440532013000", map[string]string{"iban": "DE88370400440532013000 failed"}},
		"swiss": {"qr_code", swissBill, map[string]string{
			"iban": "CH4431999123000889012", "seller_name": "Robert Schneider AG", "seller_street": "Rue du Lac 1268", "seller_postcode": "2501", "seller_city": "Biel", "seller_country": "CH",
			"due_total": "1949.75", "currency": "CHF", "buyer_name": "Pia-Maria Rutschmann-Schnyder", "payment_reference": "210000000003139471430009017",
			"payment_message": "Order of 15.06.2020", "invoice_number": "10201409", "invoice_date": "2020-07-01", "buyer_reference": "140.000-53", "seller_vat_id": "CHE102673831"}},
		"swiss, CRLF, combined address": {"qr_code", strings.ReplaceAll(strings.Replace(swissBill, "S\nRobert Schneider AG\nRue du Lac\n1268\n2501\nBiel", "K\nRobert Schneider AG\nRue du Lac 1268\n2501 Biel\n\n", 1), "\n", "\r\n"), map[string]string{
			"seller_address": "Rue du Lac 1268, 2501 Biel", "due_total": "1949.75"}},
		"swiss, wrong reference": {"qr_code", strings.Replace(swissBill, "139471430009017", "139471430009018", 1), map[string]string{"payment_reference": "210000000003139471430009018 failed"}},
		"gs1": {"gs1_code_128", "0109521234543213\x1d10ABC123\x1d172611303103001250", map[string]string{
			"gtin": "09521234543213", "batch_number": "ABC123", "expiry_date": "2026-11-30", "net_weight_kg": "1.250"}},
		"gs1 by its format": {"gs1_code_128", "00340123450000000000", map[string]string{"sscc": "340123450000000000"}},
		"gs1 in brackets":   {"code_128", "(01)09521234543213(15)261100(3922)1299", map[string]string{"gtin": "09521234543213", "best_before_date": "2026-11-30", "price": "12.99"}},
		"gs1, wrong digit":  {"databar", "0109521234543214", map[string]string{"gtin": "09521234543214 failed"}},
	}
	for name, tc := range tests {
		box := doc.Box{1, 2, 30, 40}
		fields := Fields([]doc.Symbol{{Format: tc.format, Text: tc.text, Box: box}}, 3)
		got := flat(fields)
		for n, want := range tc.want {
			if got[n] != want {
				t.Errorf("%s: %s = %q, want %q", name, n, got[n], want)
			}
		}
		for _, f := range fields {
			if f.Source != doc.FromBarcode || f.Page != 3 || f.Box == nil || *f.Box != box || f.Method == "" || f.Confidence < 0.4 {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}

func TestOtherTextsMeanNothing(t *testing.T) {
	for _, text := range []string{"", "hello", "BCD", "BCD\n001", "SPC\n0200\n1", "http://example.org/", "4006381333931", "0109521234543213", "(99x", "\x1d", "]C101123", "(01)123", "\x1d17269999"} {
		if got := Fields([]doc.Symbol{{Format: "qr_code", Text: text}}, 1); len(got) != 0 {
			t.Errorf("%q: %v", text, flat(got))
		}
	}
}

func FuzzFields(f *testing.F) {
	f.Add("qr_code", swissBill)
	f.Add("qr_code", "BCD\n002\n1\nSCT\nBPOTBEB1\nRed Cross\nBE72000000001616\nEUR1\n\n\nUrgency fund")
	f.Add("gs1_code_128", "0109521234543213\x1d10ABC\x1d172611303103001250")
	f.Fuzz(func(t *testing.T, format, text string) {
		for _, field := range Fields([]doc.Symbol{{Format: format, Text: text}}, 1) {
			if field.Value == "" || field.Name == "" {
				t.Errorf("%+v", field)
			}
		}
	})
}

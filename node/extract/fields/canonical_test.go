package fields

import (
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

func TestCanonicalMoney(t *testing.T) {
	comma, point := Hints{Decimal: ','}, Hints{Decimal: '.'}
	for _, c := range []struct {
		in   string
		h    Hints
		want string // empty: no amount
	}{
		{"1.234,56", Hints{}, "1234.56"}, {"1,234.56", Hints{}, "1234.56"}, {"1'234.50", Hints{}, "1234.50"}, {"1’234.50", Hints{}, "1234.50"},
		{"1 234,56 €", Hints{}, "1234.56"}, {"1\u00a0234,56", Hints{}, "1234.56"}, {"12,34,567.00", Hints{}, "1234567.00"},
		{"RM 19.90", Hints{}, "19.90"}, {"USD$ 12.00", Hints{}, "12.00"}, {"USD$12.00", Hints{}, "12.00"}, {"RM19.90", Hints{}, "19.90"}, {"$8.20", Hints{}, "8.20"}, {"€ 3.735,30", Hints{}, "3735.30"}, {"EUR 12", Hints{}, "12.00"},
		{"12,50 EUR", Hints{}, "12.50"}, {"CHF 45.--", Hints{}, "45.00"}, {"45,-", Hints{}, "45.00"}, {"Fr. 7.05", Hints{}, "7.05"}, {"295,00 kr", Hints{}, "295.00"},
		{"12.00-", Hints{}, "-12.00"}, {"-12.00", Hints{}, "-12.00"}, {"€ -2.00", Hints{}, "-2.00"}, {"(12.00)", Hints{}, "-12.00"}, {"($84.00)", Hints{}, "-84.00"}, {"12.00 CR", Hints{}, "-12.00"}, {"-0,00", Hints{}, "0.00"},
		{"1.234", Hints{}, "1234.00"}, {"1.234", comma, "1234.00"}, {"1.234", point, "1.23"}, {"1,234", point, "1234.00"}, {"0.125", Hints{}, "0.13"}, {"9,9000", Hints{}, "9.90"},
		{".02", Hints{}, "0.02"}, {"60. 30", Hints{}, "60.30"}, {"6O.3O", Hints{}, "60.30"}, {"l9.90", Hints{}, "19.90"}, {"1.234.56", Hints{}, "1234.56"},
		{"１２.５０", Hints{}, "12.50"}, {"¥1,200", Hints{}, "1200.00"}, {"zł 5,00", Hints{}, "5.00"}, {"1.234.567,89", Hints{}, "1234567.89"},
		{"", Hints{}, ""}, {"RM", Hints{}, ""}, {"total", Hints{}, ""}, {"12..5", Hints{}, ""}, {"12 50", Hints{}, ""}, {"1234567890123456789012", Hints{}, ""}, {"1,23,4", Hints{}, ""},
	} {
		got, ok := Canonical(doc.Money, c.in, c.h)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("money %q with %+v = %q, %v; want %q", c.in, c.h, got, ok, c.want)
		}
	}
}

func TestCanonicalDate(t *testing.T) {
	us := Hints{MonthFirst: true}
	for _, c := range []struct {
		in   string
		h    Hints
		want string
	}{
		{"25/12/2018", Hints{}, "2018-12-25"}, {"25/12/20188:13:39PM", Hints{}, "2018-12-25"}, {"12-01-19", Hints{}, "2019-01-12"}, {"12/01/19", us, "2019-12-01"},
		{"02/14/12", Hints{}, "2012-02-14"}, {"05.06.2018", us, "2018-06-05"}, {"2018-03-05", Hints{}, "2018-03-05"}, {"2018/2/5", Hints{}, "2018-02-05"},
		{"20180428", Hints{}, "2018-04-28"}, {"25032018", Hints{}, "2018-03-25"}, {"18 MAR 2018", Hints{}, "2018-03-18"}, {"05-AUG-2017", Hints{}, "2017-08-05"}, {"October 1, 2023", Hints{}, "2023-10-01"},
		{"1 octobre 2023", Hints{}, "2023-10-01"}, {"1er février 2024", Hints{}, "2024-02-01"}, {"3. März 2021", Hints{}, "2021-03-03"}, {"15. Dezember 2020", Hints{}, "2020-12-15"}, {"2 gennaio 2022", Hints{}, "2022-01-02"},
		{"4 de mayo de 2022", Hints{}, "2022-05-04"}, {"9 août 2019", Hints{}, "2019-08-09"}, {"Jan 5 2020", Hints{}, "2020-01-05"}, {"May10'19", Hints{}, "2019-05-10"}, {"MAY9’2019", Hints{}, "2019-05-09"}, {"5 JUL 69", Hints{}, "2069-07-05"}, {"5 JUL 70", Hints{}, "1970-07-05"},
		{"2O/O1/2O19", Hints{}, "2019-01-20"}, {"15 - 8- 2020", Hints{}, "2020-08-15"}, {"2018年10月20日", Hints{}, "2018-10-20"}, {"29/02/2020", Hints{}, "2020-02-29"},
		{"05 02-18", Hints{}, "2018-02-05"}, {"3105 02-18", Hints{}, ""}, {"29/02/2019", Hints{}, ""}, {"31/04/2019", Hints{}, ""}, {"13/13/2019", Hints{}, ""}, {"12.50", Hints{}, ""}, {"1234/5", Hints{}, ""}, {"5 Jammer 2019", Hints{}, ""}, {"", Hints{}, ""},
	} {
		got, ok := Canonical(doc.Date, c.in, c.h)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("date %q with %+v = %q, %v; want %q", c.in, c.h, got, ok, c.want)
		}
	}
}

func TestCanonicalCodes(t *testing.T) {
	for _, c := range []struct {
		ft       doc.FieldType
		in, want string
	}{
		{doc.IBAN, "DE88 2008 0000 0970 3757 00", "DE88200800000970375700"}, {doc.IBAN, "DE88 2OO8 0000 O970 3757 00", "DE88200800000970375700"}, {doc.IBAN, "GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432"},
		{doc.IBAN, "CH9300762011623852957", "CH9300762011623852957"}, {doc.IBAN, "DE88 2008 0000 0970 3757 01", ""}, {doc.IBAN, "DE8820080000097037570", ""}, {doc.IBAN, "hello", ""},
		{doc.IBAN, "GB82 WE5T 1234 5G98 7654 32", "GB82WEST12345698765432"}, {doc.IBAN, "DE02 1203 0000 0002 0205 1", "DE02120300000000202051"}, {doc.IBAN, "DE021203000000000202051", "DE02120300000000202051"}, {doc.IBAN, "NL91 A8NA 0417 l643 OO", "NL91ABNA0417164300"},
		{doc.VATID, "DE 136 695 976", "DE136695976"}, {doc.VATID, "ATU 13585627", "ATU13585627"}, {doc.VATID, "FR 11 123 456 782", "FR11123456782"}, {doc.VATID, "IT-00743110157", "IT00743110157"},
		{doc.VATID, "DE l36695976", "DE136695976"}, {doc.VATID, "NL 8043.11.654.B01", "NL804311654B01"}, {doc.VATID, "CHE-123.456.788 MWST", "CHE123456788MWST"}, {doc.VATID, "DE12345678", ""}, {doc.VATID, "XX123456789", ""},
		{doc.Identifier, " re-2017 / 505 ", "RE-2017/505"}, {doc.Identifier, "#4711.", "4711"}, {doc.Identifier, "(380)", "380"}, {doc.Identifier, ":", ""},
		{doc.Email, "Mail: R.Brown@GlobalGoods.co.uk", "r.brown@globalgoods.co.uk"}, {doc.Email, "no at sign", ""},
		{doc.Phone, "+44 161 496 0101", "+441614960101"}, {doc.Phone, "+49 (0)40-300618-0", "+49403006180"}, {doc.Phone, "0049 40 300618", "+4940300618"}, {doc.Phone, "07-3507405", "073507405"}, {doc.Phone, "12", ""},
		{doc.Currency, "RM 60.30", "MYR"}, {doc.Currency, "€", "EUR"}, {doc.Currency, "amounts in CHF", "CHF"}, {doc.Currency, "12.00", ""},
		{doc.Country, "Deutschland", "DE"}, {doc.Country, "uk", "GB"}, {doc.Country, "fr", "FR"}, {doc.Country, "Atlantis", ""},
		{doc.Percent, "19,00 %", "19"}, {doc.Percent, "7.5%", "7.5"}, {doc.Percent, "6", "6"}, {doc.Percent, "x %", ""}, {doc.Percent, "7,000 %", "7"},
		{doc.Number, "9,9000", "9.9"}, {doc.Number, "1'000", "1000"}, {doc.Number, "-3", "-3"}, {doc.Number, "00.50", "0.5"}, {doc.Number, "abc", ""},
		{doc.Address, "12, Jalan 4\n81100  Johor", "12, Jalan 4, 81100 Johor"}, {doc.Name, "  Ｌｉｄ  GmbH ", "Lid GmbH"}, {doc.Text, " ", ""},
	} {
		got, ok := Canonical(c.ft, c.in, Hints{})
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s %q = %q, %v; want %q", c.ft, c.in, got, ok, c.want)
		}
	}
}

// TestVATCheckDigits uses numbers whose check digits are published or worked out
// by the published rule, and each of them with its last digit changed.
func TestVATCheckDigits(t *testing.T) {
	for _, v := range []string{"DE136695976", "ATU13585627", "IT00743110157", "FR83404833048", "BE0776091951", "PL8567346215", "DK13585628", "LU15027442", "HR33392005961"} {
		if holds, known := vatCheck(v); !holds || !known {
			t.Errorf("%s: holds %v, known %v; want both", v, holds, known)
		}
		wrong := v[:len(v)-1] + string('0'+(v[len(v)-1]-'0'+1)%10)
		if holds, _ := vatCheck(wrong); holds {
			t.Errorf("%s with a changed digit holds", wrong)
		}
	}
	if _, known := vatCheck("SE123456789701"); known {
		t.Error("a country without a rule counts as known")
	}
}

func TestCompareForm(t *testing.T) {
	for _, c := range []struct {
		ft   doc.FieldType
		a, b string
		same bool
	}{
		{doc.Address, "12, JALAN TAMPOI 7/4,KAWASAN", "12,Jalan Tampoi 7/4, Kawasan.", true},
		{doc.Name, "S.H.H. MOTOR", "SHH MOTOR", false}, {doc.Money, "RM60.30", "60.3", true}, {doc.Date, "25/12/2018", "2018-12-25", true},
		{doc.Identifier, "RE-1/2", "re 1 2", true}, {doc.IBAN, "DE88 2008", "DE882008", true}, {doc.Percent, "19%", "19.00", true},
	} {
		if same := CompareForm(c.ft, c.a) == CompareForm(c.ft, c.b); same != c.same {
			t.Errorf("%s: %q and %q compare as %v, want %v", c.ft, c.a, c.b, same, c.same)
		}
	}
}

// FuzzCanonical: whatever the text, no panic, nothing but valid forms, and a
// canonical value is its own canonical form.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"1.234,56", "RM 19.90", "25/12/20188:13", "DE88 2008 0000 0970 3757 00", "FR 11 123 456 782", "5 août 19", "(12.00) CR", "\xff\xfe", "１２", "4 5,-", "...", "-'.5"} {
		f.Add(s)
	}
	all := []doc.FieldType{doc.Text, doc.Name, doc.Address, doc.Money, doc.Number, doc.Percent, doc.Date, doc.Identifier, doc.IBAN, doc.VATID, doc.Currency, doc.Country, doc.Email, doc.Phone}
	f.Fuzz(func(t *testing.T, s string) {
		for _, ft := range all {
			for _, h := range []Hints{{}, {MonthFirst: true, Decimal: ',', Currency: "CHF", Country: "DE"}} {
				v, ok := Canonical(ft, s, h)
				if !ok {
					continue
				}
				if strings.TrimSpace(v) == "" {
					t.Fatalf("%s %q: empty value", ft, s)
				}
				switch ft {
				case doc.Money, doc.Date, doc.IBAN, doc.VATID, doc.Currency, doc.Country, doc.Email:
					if again, ok := Canonical(ft, v, Hints{}); !ok || again != v {
						t.Fatalf("%s %q: canonical %q becomes %q, %v", ft, s, v, again, ok)
					}
				}
			}
		}
	})
}

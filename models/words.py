"""Makes up texts as they stand on business papers of Europe, America and Malaysia."""
import glob
import os
import random
import string

LABELS = """Total;TOTAL;Sub Total;Subtotal;SUBTOTAL;Total Amount;Grand Total;Net Total;Amount Due;Cash;CASH;Change;CHANGE;Rounding;
Rounding Adj;Round Adj;Tax;GST;GST 6%;SST;VAT;VAT 20%;Tax Invoice;TAX INVOICE;Invoice No;Invoice No.:;Invoice Date;Date;Time;Receipt #;
Receipt No;Bill No;Table;Cashier;Salesperson;Qty;QTY;Item;Description;Price;Amount;Amt(RM);U.Price;Disc;Discount;Total Qty;Thank You;
THANK YOU;PLEASE COME AGAIN;Goods sold are not returnable;Tel;TEL;Fax;Tel:;Reg No;Co. Reg No;GST Reg No;GST ID;Visa;MasterCard;
Approval Code;Terminal;Rechnung;Rechnungsnummer;Rechnungsdatum;Lieferdatum;Kundennummer;Kunden-Nr.;Steuernummer;USt-IdNr.;USt-ID;
Zwischensumme;Gesamtbetrag;Summe;Nettobetrag;Bruttobetrag;MwSt;zzgl. 19 % USt.;inkl. MwSt.;Menge;Einzelpreis;Gesamtpreis;Bezeichnung;
Pos.;Stück;Übertrag;Zahlbar bis;Fällig am;Bankverbindung;Kontoinhaber;Überweisung;Straße;Geschäftsführer;Rückgeld;Gegeben;BAR;
Vielen Dank für Ihren Einkauf;Facture;Facture n°;Date de facture;Total TTC;Total HT;TVA;TVA 20 %;Montant;Quantité;Désignation;
Prix unitaire;À payer;Échéance;Numéro de client;Merci de votre visite;Espèces;Rendu;Factura;Nº de factura;Fecha;Importe;Cantidad;
Descripción;Precio;IVA 21%;Base imponible;Teléfono;Dirección;Gracias por su visita;Fattura;Data;Quantità;Prezzo;Imponibile;Totale;
Aliquota;Partita IVA;Città;Factuur;Factuurnummer;Bedrag;BTW;Aantal;Omschrijving;Totaal;Faktura;Faktura VAT;Data wystawienia;Sprzedawca;
Nabywca;Ilość;Wartość;Do zapłaty;Słownie;Razem;Číslo faktury;Dodavatel;Odběratel;Množství;Celkem;Částka;Splatnost;Számla;Összesen;
Fizetendő;Mennyiség;Végösszeg;Factură;Cantitate;Preț;Total de plată;Fatura;Tarih;Miktar;Toplam;KDV;Antal;Beløb;Moms;I alt;
Förfallodatum;Summa;Att betala;Määrä;Yhteensä;Lasku;Eräpäivä;Račun;Iznos;Količina;Skupaj;Sąskaita;Suma;Kiekis;Rēķins;Summa apmaksai;
Agency;Advertiser;Contract;Flight Dates;Order #;Estimate;Product;Spots;Rate;Gross Amount;Net Due;Agency Commission;Remit To;Bill To;
Ship To;Sold To;Payment Terms;Net 30;Due Date;Purchase Order;PO Number;Page 1 of 3;Station;Market;Air Time;Length;Class;
Account Executive;Invoice Period;Start Date;End Date""".replace("\n", "").split(";")
FORMS = """SDN BHD;SDN. BHD.;S/B;ENTERPRISE;TRADING;(M) SDN BHD;RESTAURANT;CAFE;HARDWARE;STATIONERY;SUPERMARKET;MINI MARKET;GmbH;
GmbH & Co. KG;AG;e.K.;KG;UG (haftungsbeschränkt);S.A.;SARL;SAS;S.L.;S.p.A.;S.r.l.;B.V.;N.V.;Ltd;Ltd.;LLC;Inc.;Inc;Corp.;plc;Oy;AB;
A/S;ApS;AS;Sp. z o.o.;s.r.o.;a.s.;Kft.;d.o.o.;UAB;SIA;OÜ;Lda.;SRL;Co.;& Sons;& Söhne;Cie""".replace("\n", "").split(";")
STREETS = """JALAN;JLN;TAMAN;LOT;NO.;NO;BLOCK;PERSIARAN;LORONG;BANDAR;KAMPUNG;Street;St.;Road;Rd;Avenue;Ave;Lane;Straße;Str.;Weg;Platz;
Allee;Gasse;Rue;Rue de la;Avenue du;Place;Calle;Avda.;Plaza;Via;Viale;Piazza;Rua;ul.;al.;utca;út;ulice;Strada;Cad.;Sok.;gatan;vej;katu;
laan;straat""".replace("\n", "").split(";")
CITIES = """SELANGOR;KUALA LUMPUR;JOHOR BAHRU;SHAH ALAM;PETALING JAYA;PENANG;MELAKA;IPOH;SEREMBAN;Berlin;München;Köln;Düsseldorf;Nürnberg;
Zürich;Wien;Paris;Lyon;Besançon;Orléans;Madrid;Málaga;A Coruña;Milano;Roma;Lisboa;São Paulo;Warszawa;Łódź;Kraków;Poznań;Praha;Plzeň;Brno;
Budapest;Győr;București;Timișoara;İstanbul;İzmir;Göteborg;Malmö;København;Århus;Tromsø;Jyväskylä;Ljubljana;Zagreb;Šibenik;Vilnius;Rīga;
Tallinn;London;Manchester;New York, NY;Los Angeles, CA;Houston, TX;Atlanta, GA;Den Haag;Liège""".replace("\n", "").split(";")
CURRENCIES = ["€", "€", "€", "€", "EUR", "RM", "RM", "$", "$", "£", "USD", "GBP", "CHF", "Kč", "zł", "kr", "Ft", "SR", "lei", ""]
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
LATIN2 = {"cs_CZ", "sl_SI"}  # dictionaries that are not in UTF-8


def dictionaries(folder, charset):
    """Words, and those with marked letters, by language; from unpacked Debian packages."""
    rng, out = random.Random(3), {}
    files = glob.glob(f"{folder}/usr/share/dict/*") + glob.glob(f"{folder}/usr/share/hunspell/*.dic")
    for f in sorted(x for x in files if os.path.exists(x)):
        name, raw = os.path.basename(f).removesuffix(".dic"), open(f, "rb").read()
        try:
            text = raw.decode("iso8859-2" if name in LATIN2 else "utf-8")
        except UnicodeDecodeError:
            text = raw.decode("latin-1" if "/dict/" in f else "iso8859-2")
        words = [w.split("/")[0].strip() for w in text.split("\n")]
        words = [w for w in words if 1 < len(w) < 15 and set(w) <= charset and "'" not in w]
        if len(words) >= 1000:
            marked = [w for w in words if not w.isascii()]
            out[name] = (rng.sample(words, min(20000, len(words))), rng.sample(marked, min(8000, len(marked))))
    return out


class Texts:
    def __init__(self, seed, folder, charset):
        self.r, self.charset = random.Random(seed), charset
        self.languages = dictionaries(folder, charset)
        self.names = sorted(self.languages)

    def language(self):
        if self.r.random() < 0.45:
            return self.r.choice(["american-english", "british-english", "id_ID", "id_ID", "american-english"])
        return self.r.choice(["ngerman", "french"] if self.r.random() < 0.3 else self.names)

    def word(self, language="american-english"):
        words, marked = self.languages[language]
        return self.r.choice(marked if marked and self.r.random() < 0.35 else words)

    def digits(self, n):
        return "".join(self.r.choice("0123456789") for _ in range(n))

    def letters(self, n):
        return "".join(self.r.choice(string.ascii_uppercase) for _ in range(n))

    def amount(self):
        r = self.r
        s = f"{r.uniform(0, r.choice([10, 100, 1000, 100000])):,.2f}"
        k = r.random()
        if k < 0.3:
            s = s.replace(",", "")
        elif k < 0.6:
            s = s.translate({44: 46, 46: 44})
        elif k < 0.7:
            s = s.translate({44: 32, 46: 44})
        elif k < 0.75:
            s = s.replace(",", "").replace(".", ",")
        s, c = ("-" if r.random() < 0.06 else "") + s, r.choice(CURRENCIES)
        return r.choice([s, s, s, f"{s} {c}".strip(), f"{c} {s}".strip(), c + s, s + c])

    def date(self):
        r = self.r
        d, m, y = r.randint(1, 31), r.randint(1, 12), r.randint(2008, 2027)
        mon, h, mi, s = MONTHS[m - 1], r.randint(0, 23), r.randint(0, 59), r.randint(0, 59)
        day = r.choice([f"{d:02}/{m:02}/{y}", f"{d:02}-{m:02}-{y}", f"{d:02}.{m:02}.{y}", f"{y}-{m:02}-{d:02}", f"{d:02}/{m:02}/{y % 100:02}",
                        f"{d} {mon} {y}", f"{mon} {d}, {y}", f"{d:02} {mon.upper()} {y}", f"{m}/{d}/{y % 100:02}", f"{d:02}-{mon}-{y}", f"{d:02}{m:02}{y}"])
        if r.random() < 0.4:
            day += " " + r.choice([f"{h:02}:{mi:02}", f"{h:02}:{mi:02}:{s:02}", f"{h % 12 + 1}:{mi:02} {r.choice(['AM', 'PM'])}",
                                   f"{h % 12 + 1}:{mi:02}:{s:02}{r.choice(['AM', 'PM'])}"])
        return day

    def code(self):
        r, n, a = self.r, self.digits, self.letters
        name = lambda: self.word().lower()
        return r.choice([
            lambda: n(r.randint(4, 14)), lambda: f"{n(6)}-{a(1)}", lambda: f"({n(6)}-{a(1)})", lambda: a(2) + n(r.randint(5, 9)), lambda: "0" + n(11),
            lambda: f"{n(2)}-{n(8)}", lambda: f"0{n(1)}-{n(4)} {n(4)}", lambda: f"+{n(2)} {n(3)} {n(7)}", lambda: f"0{n(3)}/{n(6)}",
            lambda: f"DE{n(2)} {n(4)} {n(4)} {n(4)} {n(4)} {n(2)}", lambda: "DE" + n(9), lambda: "FR" + n(11), lambda: f"{a(3)}-{n(4)}-{n(3)}",
            lambda: n(13), lambda: "#" + n(5), lambda: f"{n(3)}/{n(3)}/{n(5)}", lambda: f"{a(1)}{n(3)}/{n(2)}", lambda: n(5),
            lambda: "*" * r.randint(4, 12) + n(4), lambda: f"www.{name()}.com", lambda: f"{name()}@{name()}.{r.choice(['com', 'de', 'fr', 'my', 'eu'])}",
            lambda: f"{r.randint(1, 99)}{r.choice(['ML', 'KG', 'G', 'L', 'CM', 'MM', 'PCS', 'x'])}",
            lambda: f"{r.randint(1, 20)} {r.choice('xX@*')} {self.amount()}"])()

    def cased(self, s):
        k = self.r.random()
        return s.upper() if k < 0.45 else s.title() if k < 0.75 else s.lower() if k < 0.82 else s

    def address(self, words):
        r, parts = self.r, []
        if r.random() < 0.5:
            parts.append(f"{r.choice(['NO.', 'No. ', 'LOT ', '', '', ''])}{r.randint(1, 400)}{r.choice(['', '', 'A', '-1', '/2', ',G'])}")
        parts.append(f"{r.choice(STREETS)} {words(r.randint(1, 2))} {r.choice(['', str(r.randint(1, 30)), f'{r.randint(1, 30)}/{r.randint(1, 9)}'])}".strip())
        if r.random() < 0.5:
            parts.append(f"{self.digits(5)} {r.choice(CITIES)}")
        if r.random() < 0.3:
            parts.append(r.choice(CITIES))
        s = r.choice([", ", ", ", ",", " "]).join(parts) + r.choice(["", "", "", "", "", ",", "."])
        return s.upper() if r.random() < 0.4 else s

    def marked(self, s):
        """Adds signs that words and templates lack."""
        r, words = self.r, s.split(" ")
        for _ in range(r.choice([1, 1, 2])):
            i, k = r.randrange(len(words)), r.random()
            w = words[i]
            if k < 0.25:
                words[i] = r.choice(["d'", "l'", "qu'", "D'", "L'", "O'", "d’", "l’"]) + w
            elif k < 0.33:
                words[i] = w + r.choice(["'s", "’s", "'S", "'"])
            elif k < 0.48:
                words[i] = w + ";"
            elif k < 0.56:
                words[i] = w + r.choice("_-/+&.--") + self.word()
            elif k < 0.66:
                words.insert(i, r.choice("·•*|--–&+/#@=_"))
            elif k < 0.76:
                words[i] = w + r.choice(":,.!?-*%")
            elif k < 0.82:
                words[i] = r.choice("\"“„") + w + r.choice("\"”“") if r.random() < 0.5 else f"'{w}'"
            elif k < 0.9:
                words[i] = f"({w})" if r.random() < 0.7 else f"[{w}]"
            else:
                words[i] = r.choice(["§ ", "# ", "~", "<", ">", "^", "$", "\\", "{"]) + w
        return "".join(c for c in " ".join(words) if c in self.charset)

    def line(self):
        r, language = self.r, self.language()
        words = lambda n: self.cased(" ".join(self.word(language) for _ in range(n)))
        k = r.random()
        if k < 0.16:
            s = words(r.randint(1, 3)) + " " + r.choice(FORMS)
        elif k < 0.32:
            s = self.address(words)
        elif k < 0.5:
            s = r.choice(LABELS) + r.choice([" ", ": ", " : ", ":", " .... ", " "]) + r.choice([self.amount, self.date, self.code])()
        elif k < 0.58:
            s = self.amount()
        elif k < 0.64:
            s = self.date()
        elif k < 0.72:
            s = " ".join(self.code() for _ in range(r.choice([1, 1, 2])))
        elif k < 0.82:
            s = words(r.randint(1, 3)) + " " + r.choice([self.code, self.amount])()
        elif k < 0.88:
            s = r.choice(LABELS) + r.choice(["", ":", ""]) + " " + r.choice(LABELS)
        else:
            s = words(r.randint(2, 6)) + r.choice(["", ".", ",", "!", ""])
        if r.random() < 0.2:
            s = self.marked(s)
        if r.random() < 0.03:
            s = f"({s})"
        if r.random() < 0.03:
            s = f'"{s}"'
        return " ".join(s.split())[:60].strip()

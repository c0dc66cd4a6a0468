"""Telephone numbers: one form for the many ways in which people write the same one. Pure.

The form is that of ITU-T E.164, `+33123456789`. To read a number that is written nationally one
must know the country; prefixes and lengths are those that the national numbering plans published
by the ITU state.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from pelagos.core import spelling
from pelagos.core.errors import ConfigError

#: Digits of a number with its country code, at the most (E.164, 6.2.1).
LONGEST = 15

#: Digits up to which a number is an extension of one's own exchange, the same in every country.
INTERNAL = 6

_SEPARATORS = re.compile(r"[\s().\-/\u00ad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\ufeff]+")
_TRUNK_IN_BRACKETS = re.compile(r"(?<=\d)\s*\(0\)")
_NUMBER = re.compile(r"\+?[0-9]+")

# Country code: countries, prefix before a national number ("-" none, and then the lengths that
# national numbers have), prefix before an international one ("00" where nothing is said).
_PLANS = """
1: US CA PR DO JM BS BB TT BM KY AG AI AW DM GD GU KN LC MS SX TC VC VG VI AS MP; 1 10; 011
7: RU; 8 10; 810
7: KZ; 8 10; 810
20: EG
27: ZA
30: GR; - 10
31: NL
32: BE
33: FR
34: ES; - 9
36: HU; 06
39: IT SM VA; - 6-11
40: RO
41: CH
43: AT
44: GB GG IM JE
45: DK FO; - 8
46: SE
47: NO SJ; - 8
48: PL; - 9
49: DE
51: PE
52: MX; - 10
53: CU; 0; 119
54: AR
55: BR
56: CL; - 9
57: CO; - 10
58: VE
60: MY
61: AU CC CX; 0; 0011
62: ID; 0; 001 00
63: PH
64: NZ
65: SG; - 8; 001 000
66: TH; 0; 001 00
81: JP; 0; 010
82: KR; 0; 001 002 00
84: VN
86: CN
90: TR
91: IN
92: PK
93: AF
94: LK
95: MM
98: IR
212: MA EH
213: DZ
216: TN; - 8
218: LY
221: SN; - 9
223: ML; - 8
225: CI; - 10
226: BF; - 8
227: NE; - 8
228: TG; - 8
229: BJ; - 8-10
230: MU; - 7-8; 020
233: GH
234: NG; 0; 009
237: CM; - 9
241: GA
243: CD
250: RW
251: ET
254: KE; 0; 000
255: TZ; 0; 000
256: UG; 0; 000
258: MZ; - 8-9
260: ZM
261: MG
262: RE YT
263: ZW
264: NA
267: BW; - 7-8
297: AW; - 7
299: GL; - 6
350: GI; - 8
351: PT; - 9
352: LU; - 4-11
353: IE
354: IS; - 7
355: AL
356: MT; - 8
357: CY; - 8
358: FI AX; 0; 00 990 994 999
359: BG
370: LT; 0
371: LV; - 8
372: EE; - 7-8
373: MD
374: AM
375: BY; 8; 810
376: AD; - 6-9
377: MC; - 8-9
380: UA
381: RS
382: ME
383: XK
385: HR
386: SI
387: BA
389: MK
420: CZ; - 9
421: SK
423: LI; - 7
501: BZ; - 7
502: GT; - 8
503: SV; - 8
504: HN; - 8
505: NI; - 8
506: CR; - 8
507: PA; - 7-8
509: HT; - 8
590: GP BL MF
591: BO; 0; 0010
593: EC
594: GF
595: PY; 0; 002
596: MQ
598: UY; 0
687: NC; - 6
689: PF; - 6-8
852: HK; - 8; 001
853: MO; - 8
855: KH; 0; 001 007 008
856: LA
880: BD
886: TW; 0; 002
960: MV; - 7
961: LB
962: JO
963: SY
964: IQ
965: KW; - 8
966: SA
967: YE
968: OM; - 8
970: PS
971: AE
972: IL; 0; 00 012 013 014
973: BH; - 8
974: QA; - 7-8
975: BT; - 7-8
976: MN; 0; 001
977: NP
992: TJ; - 9
993: TM; 8; 810
994: AZ
995: GE
996: KG
998: UZ; - 9
"""


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """How one country writes numbers.

    >>> plan_of("FR").normal("01 23 45 67 89"), plan_of("US").normal("(212) 555-0199")
    ('+33123456789', '+12125550199')

    Attributes:
        country_code: digits, without plus.
        trunk: what stands before a national number and goes away abroad; empty: nothing does.
        international: what stands before an international number instead of the plus.
        lengths: digits that a national number without `trunk` has; empty: one cannot tell it.
    """

    country_code: str
    trunk: str = "0"
    international: tuple[str, ...] = ("00",)
    lengths: tuple[int, ...] = ()

    def normal(self, text: str) -> str | None:
        """The number in its one form; None of what is no number.

        An extension of a few digits stays as it is, and so does a number that is neither national
        nor international, but without what stands between its digits.
        """
        digits = _digits(text)
        if digits is None or digits.startswith("+") or len(digits) <= INTERNAL:
            return digits
        if (abroad := self._international(digits)) is not None:
            return f"+{abroad}"
        national = self._national(digits)
        if national is not None and len(self.country_code) + len(national) <= LONGEST:
            return f"+{self.country_code}{national}"
        return digits if len(digits) <= LONGEST else None

    def _international(self, digits: str) -> str | None:
        for prefix in self.international:
            rest = digits.removeprefix(prefix)
            if rest != digits and INTERNAL < len(rest) <= LONGEST and not rest.startswith("0"):
                return rest
        return None

    def _national(self, digits: str) -> str | None:
        rest = digits.removeprefix(self.trunk)
        if self.trunk and rest != digits and (not self.lengths or len(rest) in self.lengths):
            return rest
        return digits if len(digits) in self.lengths else None

    def forms(self, text: str) -> tuple[str, ...]:
        """How the number may be written where it is looked for: as given, then the usual ways.

        >>> plan_of("FR").forms("+33 1 23 45 67 89")
        ('+33 1 23 45 67 89', '+33123456789', '0123456789', '0033123456789', '33123456789')
        """
        normal = self.normal(text)
        if normal is None:
            return (text,)
        forms = [text, normal]
        if normal.startswith("+"):
            bare = normal.removeprefix("+")
            if bare.startswith(self.country_code):
                forms.append(self.trunk + bare.removeprefix(self.country_code))
            forms += [self.international[0] + bare, bare]
        return tuple(dict.fromkeys(forms))


#: Where the country is not known: what stands between digits does not count, 00 is a plus, and
#: whether a number is national cannot be told.
ANYWHERE = NumberPlan("", trunk="")


def plan_of(region: str) -> NumberPlan:
    """The plan of a country.

    Args:
        region: its two letters (ISO 3166-1), or its country code with a plus, as "+33"; then
            numbers with a leading 0 are national, and those with 00 international.

    Raises:
        ConfigError: there is no such country in the table.
    """
    name = region.strip().upper()
    if re.fullmatch(r"\+[1-9][0-9]{0,2}", name):
        return NumberPlan(name.removeprefix("+"))
    if name not in _REGIONS:
        hint = spelling.hint(name, sorted(_REGIONS), quoted=True)
        raise ConfigError(
            f"region: {region!r} is no country whose numbers are known",
            hint=f"{hint}; or give its calling code, as '+33'",
        )
    return _REGIONS[name]


def _digits(text: str) -> str | None:
    """Digits with a plus before them or not; None when there is more than separators."""
    if len(text) > 4 * LONGEST:
        return None
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = text.strip()
    if text[:4].lower() == "tel:":
        text = text[4:]
    if text.startswith("+"):
        text = _TRUNK_IN_BRACKETS.sub("", text)
    digits = text if text.isdecimal() else _SEPARATORS.sub("", text)
    if not digits.isascii():
        digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in digits)
    if not _NUMBER.fullmatch(digits):
        return None
    if digits.startswith("+") and not INTERNAL < len(digits) <= LONGEST + 1:
        return None
    return digits


def _read(line: str) -> dict[str, NumberPlan]:
    code, _, rest = line.partition(":")
    regions, trunk, international = [*(part.strip() for part in rest.split(";")), "", ""][:3]
    prefix, _, spans = (trunk or "0").partition(" ")
    first, _, last = spans.partition("-")
    plan = NumberPlan(
        code,
        "" if prefix == "-" else prefix,
        tuple(international.split()) or ("00",),
        tuple(range(int(first), int(last or first) + 1)) if spans else (),
    )
    return dict.fromkeys(regions.split(), plan)


_REGIONS = {
    name: plan for line in _PLANS.strip().split("\n") for name, plan in _read(line).items()
}

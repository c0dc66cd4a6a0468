"""The words of phone documents in the languages of the people who read them."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.http import parse_accept_header

_MOST = 1000  # characters of a header; more is nobody's list of languages


@dataclass(frozen=True, slots=True)
class Labels:
    """The words of one language.

    Attributes:
        directory: title of all documents.
        name: what is asked for.
        nothing_found: stands in a list without entries.
        search: on the button that sends a form.
        answered: how many sources answered, with {answered} and {total}.
    """

    directory: str
    name: str
    previous: str
    next: str
    nothing_found: str
    dial: str
    exit: str
    search: str
    answered: str


LABELS: dict[str, Labels] = {
    "ar": Labels(
        "الدليل", "الاسم", "السابق", "التالي", "لا توجد نتائج", "اتصال", "خروج", "بحث",
        "{answered} من {total} أدلة",
    ),
    "bg": Labels(
        "Указател", "Име", "Предишна", "Следваща", "Няма записи", "Набиране", "Изход", "Търсене",
        "{answered} от {total} указателя",
    ),
    "ca": Labels(
        "Directori", "Nom", "Anterior", "Següent", "Cap entrada", "Truca", "Surt", "Cerca",
        "{answered} de {total} directoris",
    ),
    "cs": Labels(
        "Adresář", "Jméno", "Předchozí", "Další", "Žádné záznamy", "Volat", "Konec", "Hledat",
        "{answered} z {total} adresářů",
    ),
    "da": Labels(
        "Telefonbog", "Navn", "Forrige", "Næste", "Ingen poster", "Ring op", "Afslut", "Søg",
        "{answered} af {total} telefonbøger",
    ),
    "de": Labels(
        "Telefonbuch", "Name", "Zurück", "Weiter", "Keine Einträge", "Wählen", "Ende", "Suchen",
        "{answered} von {total} Verzeichnissen",
    ),
    "el": Labels(
        "Κατάλογος", "Όνομα", "Προηγούμενη", "Επόμενη", "Καμία εγγραφή", "Κλήση", "Έξοδος",
        "Αναζήτηση", "{answered} από {total} καταλόγους",
    ),
    "en": Labels(
        "Directory", "Name", "Previous", "Next", "No entries", "Dial", "Exit", "Search",
        "{answered} of {total} directories",
    ),
    "es": Labels(
        "Directorio", "Nombre", "Anterior", "Siguiente", "Sin entradas", "Llamar", "Salir",
        "Buscar", "{answered} de {total} directorios",
    ),
    "et": Labels(
        "Kataloog", "Nimi", "Eelmine", "Järgmine", "Kirjeid pole", "Helista", "Välju", "Otsi",
        "{answered}/{total} kataloogi",
    ),
    "fi": Labels(
        "Hakemisto", "Nimi", "Edellinen", "Seuraava", "Ei tuloksia", "Soita", "Poistu", "Hae",
        "{answered}/{total} hakemistoa",
    ),
    "fr": Labels(
        "Annuaire", "Nom", "Précédent", "Suivant", "Aucune entrée", "Appeler", "Quitter",
        "Chercher", "{answered} annuaires sur {total}",
    ),
    "he": Labels(
        "ספר טלפונים", "שם", "הקודם", "הבא", "אין רשומות", "חיוג", "יציאה", "חיפוש",
        "{answered} מתוך {total} ספרי טלפונים",
    ),
    "hr": Labels(
        "Imenik", "Ime", "Prethodna", "Sljedeća", "Nema unosa", "Biraj", "Izlaz", "Traži",
        "{answered} od {total} imenika",
    ),
    "hu": Labels(
        "Telefonkönyv", "Név", "Előző", "Következő", "Nincs bejegyzés", "Hívás", "Kilépés",
        "Keresés", "{answered}/{total} telefonkönyv",
    ),
    "it": Labels(
        "Rubrica", "Nome", "Precedente", "Successivo", "Nessuna voce", "Chiama", "Esci", "Cerca",
        "{answered} rubriche su {total}",
    ),
    "ja": Labels(
        "電話帳", "名前", "前へ", "次へ", "該当なし", "発信", "終了", "検索",
        "{total} 件中 {answered} 件の電話帳",
    ),
    "ko": Labels(
        "전화번호부", "이름", "이전", "다음", "항목 없음", "전화 걸기", "나가기", "검색",
        "전화번호부 {total}개 중 {answered}개",
    ),
    "lt": Labels(
        "Katalogas", "Vardas", "Ankstesnis", "Kitas", "Įrašų nėra", "Skambinti", "Išeiti",
        "Ieškoti", "{answered} iš {total} katalogų",
    ),
    "lv": Labels(
        "Katalogs", "Vārds", "Iepriekšējā", "Nākamā", "Nav ierakstu", "Zvanīt", "Iziet",
        "Meklēt", "{answered} no {total} katalogiem",
    ),
    "nb": Labels(
        "Katalog", "Navn", "Forrige", "Neste", "Ingen oppføringer", "Ring", "Avslutt", "Søk",
        "{answered} av {total} kataloger",
    ),
    "nl": Labels(
        "Telefoonboek", "Naam", "Vorige", "Volgende", "Geen vermeldingen", "Bellen", "Afsluiten",
        "Zoeken", "{answered} van {total} telefoonboeken",
    ),
    "pl": Labels(
        "Katalog", "Nazwa", "Poprzednia", "Następna", "Brak wpisów", "Zadzwoń", "Wyjście",
        "Szukaj", "{answered} z {total} katalogów",
    ),
    "pt": Labels(
        "Diretório", "Nome", "Anterior", "Seguinte", "Sem entradas", "Ligar", "Sair", "Procurar",
        "{answered} de {total} diretórios",
    ),
    "ro": Labels(
        "Agendă", "Nume", "Înapoi", "Înainte", "Nicio intrare", "Apelează", "Ieșire", "Caută",
        "{answered} din {total} agende",
    ),
    "ru": Labels(
        "Справочник", "Имя", "Назад", "Далее", "Нет записей", "Вызов", "Выход", "Поиск",
        "{answered} из {total} справочников",
    ),
    "sk": Labels(
        "Adresár", "Meno", "Predchádzajúca", "Ďalšia", "Žiadne záznamy", "Volať", "Koniec",
        "Hľadať", "{answered} z {total} adresárov",
    ),
    "sl": Labels(
        "Imenik", "Ime", "Prejšnja", "Naslednja", "Ni vnosov", "Kliči", "Izhod", "Išči",
        "{answered} od {total} imenikov",
    ),
    "sv": Labels(
        "Katalog", "Namn", "Föregående", "Nästa", "Inga poster", "Ring", "Avsluta", "Sök",
        "{answered} av {total} kataloger",
    ),
    "tr": Labels(
        "Rehber", "Ad", "Önceki", "Sonraki", "Kayıt yok", "Ara", "Çıkış", "Bul",  # noqa: RUF001
        "{total} rehberden {answered} tanesi",
    ),
    "uk": Labels(
        "Довідник", "Ім'я", "Назад", "Далі", "Немає записів", "Виклик", "Вихід", "Пошук",
        "{answered} з {total} довідників",
    ),
    "zh": Labels(
        "通讯录", "姓名", "上一页", "下一页", "没有条目", "拨号", "退出", "搜索",
        "{total} 个通讯录中的 {answered} 个",
    ),
    "zh-hant": Labels(
        "通訊錄", "姓名", "上一頁", "下一頁", "沒有項目", "撥號", "結束", "搜尋",
        "{total} 個通訊錄中的 {answered} 個",
    ),
}  # fmt: skip

_ALSO = {"no": "nb", "nn": "nb", "iw": "he", "zh-tw": "zh-hant", "zh-hk": "zh-hant"}


def labels_for(accept_language: str) -> Labels:
    """The words of the language that a header `Accept-Language` likes best of those we have.

    A language that is wanted in the way of a country counts in any way (RFC 4647, 3.4).

    >>> labels_for("de-AT, en;q=0.8").name, labels_for("tlh").next
    ('Name', 'Next')
    """
    for wanted, quality in parse_accept_header(accept_language[:_MOST]):
        tag = wanted.lower().replace("_", "-") if quality > 0 else ""
        while tag:
            if found := LABELS.get(_ALSO.get(tag, tag)):
                return found
            tag = tag.rpartition("-")[0]
    return LABELS["en"]

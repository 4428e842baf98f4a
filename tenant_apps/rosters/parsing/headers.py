"""Header cells to our columns: the words HR systems use, in five languages, however they are spelled."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tenant_apps.rosters.parsing.errors import DuplicateColumn, MissingColumn, TooManyColumns

REQUIRED_COLUMNS = ("email",)

# Written as people write them; `fold_header` makes the keys. German umlauts also occur as ae, oe, ue.
_SYNONYMS: Mapping[str, str] = {
    "email": """email, e-mail, mail, email address, e-mail address, mail address, work email, business email,
        company email, primary email, user email, e-mail-adresse, mailadresse, e-mail (geschäftlich),
        e-mail geschaeftlich, geschäftliche e-mail, dienstliche e-mail, e-mail dienstlich, firmen-e-mail,
        adresse e-mail, adresse mail, adresse électronique, courriel, mél, e-mail professionnel,
        correo, correo electrónico, dirección de correo electrónico, dirección de correo, correo corporativo,
        indirizzo e-mail, posta elettronica""",
    "employee_id": """employee id, employee number, employee no, employee nr, employee code, emp id, emp no,
        staff id, staff number, personnel number, personnel no, worker id, payroll number,
        personalnummer, personal-nr., personalnr, pers.-nr., persnr, mitarbeiternummer, mitarbeiter-nr.,
        mitarbeiternr, mitarbeiter-id, ma-nr., stammnummer, matricule, numéro de matricule, numéro d'employé,
        n° employé, id employé, número de empleado, nº empleado, núm. empleado, id de empleado, legajo,
        matricola, numero dipendente""",
    "first_name": """first name, forename, given name, christian name, vorname, rufname, prénom,
        nombre, nombre de pila, primer nombre""",
    "last_name": """last name, surname, family name, nachname, familienname, zuname, nom, nom de famille,
        apellido, apellidos, primer apellido, cognome""",
    "job_title": """job title, title, position, position title, job, job name, occupation, function,
        stellenbezeichnung, stelle, berufsbezeichnung, beruf, funktion, tätigkeit, taetigkeit, jobtitel,
        poste, intitulé du poste, fonction, emploi, puesto, cargo, puesto de trabajo, mansione""",
    "department": """department, dept, department name, division, team, unit, org unit, organizational unit,
        organisational unit, business unit, abteilung, bereich, organisationseinheit, orgeinheit, fachbereich,
        département, service, direction, departamento, área, sección, reparto, dipartimento""",
    "manager_email": """manager email, manager, manager e-mail address, managers email, line manager,
        line manager email, supervisor, supervisor email, reports to, reports to email, superior, boss email,
        vorgesetzter, vorgesetzte, vorgesetzte/r, vorgesetzter e-mail, e-mail vorgesetzter,
        e-mail des vorgesetzten, vorgesetzten-e-mail, führungskraft, fuehrungskraft, führungskraft e-mail,
        e-mail führungskraft, manager-mail, responsable, e-mail responsable, e-mail du responsable, supérieur,
        supérieur hiérarchique, e-mail du manager, jefe, correo del jefe, correo del responsable,
        correo del supervisor, correo del gerente, gerente, responsabile""",
    "location": """location, site, office, city, work location, office location, workplace, standort,
        arbeitsort, dienstort, ort, niederlassung, werk, betriebsstätte, lieu, lieu de travail, ville,
        ubicación, sede, ciudad, centro de trabajo, lugar de trabajo, localidad""",
    "timezone": """timezone, time zone, tz, iana timezone, zeitzone, fuseau horaire, fuseau, zona horaria,
        huso horario, fuso orario""",
    "language": """language, lang, locale, preferred language, language code, ui language, sprache,
        sprachcode, bevorzugte sprache, korrespondenzsprache, langue, langue préférée, idioma,
        idioma preferido, lingua""",
    "start_date": """start date, hire date, hired on, date of hire, hiring date, joining date, date joined,
        join date, entry date, employment start, start, eintrittsdatum, eintritt, einstellungsdatum,
        beginndatum, startdatum, eintrittstermin, date d'entrée, date d'embauche, date de début, date
        d'arrivée, fecha de inicio, fecha de alta, fecha de ingreso, fecha de contratación, fecha de
        incorporación, data di assunzione""",
    "role": """role, user role, system role, rolle, benutzerrolle, systemrolle, rôle, rol, ruolo""",
    "cohort": """cohort, cohort name, group, training group, class, kohorte, gruppe, schulungsgruppe,
        lerngruppe, jahrgang, cohorte, groupe, groupe de formation, promotion, grupo,
        grupo de formación, gruppo""",
}

# Words that often stand beside a better one for the same column ("Department" and "Team", "Manager" with the
# name and "Manager E-Mail"). Then the better one is taken and these are ignored; alone they will do.
_WEAK_WORDS = """division, team, unit, org unit, business unit, bereich, fachbereich, service,
    direction, área, sección, reparto, title, position, job, function, funktion, beruf, tätigkeit,
    fonction, emploi, cargo, city, office, ort, werk, ville, ciudad, localidad, manager, line
    manager, supervisor, superior, reports to, vorgesetzter, vorgesetzte, vorgesetzte/r,
    führungskraft, fuehrungskraft, responsable, supérieur, jefe, gerente, responsabile, start,
    eintritt, group, class, gruppe, jahrgang, groupe, promotion, grupo, gruppo, locale, mail,
    rufname"""

# "Name" is the family name where a given name stands beside it, and a whole name, which nobody can split
# reliably, where none does.
_FAMILY_NAME_BESIDE_GIVEN_NAME = "name"

MOST_COLUMNS = 1000

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


def fold_header(cell: str) -> str:
    """Reduce a header cell to its letters and digits, without case, marks, spaces, hyphens, underscores."""
    decomposed = unicodedata.normalize("NFKD", cell.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _NOT_ALPHANUMERIC.sub("", bare)


def _index_synonyms() -> dict[str, str]:
    index: dict[str, str] = {}
    for column, words in _SYNONYMS.items():
        for word in (column, *words.split(",")):
            if index.setdefault(fold_header(word), column) != column:
                raise AssertionError(f"header {word.strip()!r} stands for two columns")
    return index


_COLUMN_BY_HEADER = _index_synonyms()
_WEAK_HEADERS = frozenset(fold_header(word) for word in _WEAK_WORDS.split(","))


@dataclass(frozen=True, slots=True)
class HeaderMap:
    """Where each of our columns stands.

    Attributes:
        positions: our column name to the index of its cell, from 0.
        columns: our column name to the header cell as written.
        ignored: header cells without meaning to us; a nameless one is shown as `#` and its number from 1.
        width: number of cells in the header.
    """

    positions: Mapping[str, int]
    columns: Mapping[str, str]
    ignored: tuple[str, ...]
    width: int


def count_known_columns(header: Sequence[str]) -> int:
    """Tell how many different columns of ours a header row names, as far as one may reach."""
    return len({_COLUMN_BY_HEADER.get(fold_header(cell)) for cell in header[:MOST_COLUMNS]} - {None})


def map_headers(header: Sequence[str]) -> HeaderMap:
    """Assign the cells of the header row to our columns.

    Raises:
        DuplicateColumn: two cells mean the same column equally well; taking either would be a guess.
        MissingColumn: a required column is not there.
        TooManyColumns: a line of millions of commas would keep a process busy for half a minute.
    """
    if len(header) > MOST_COLUMNS:
        raise TooManyColumns(max_columns=MOST_COLUMNS)
    folded = [fold_header(cell) for cell in header]
    known = dict(_COLUMN_BY_HEADER)
    if any(known.get(name) == "first_name" for name in folded):
        known[_FAMILY_NAME_BESIDE_GIVEN_NAME] = "last_name"
    strongly_named = {known[name] for name in folded if name in known and name not in _WEAK_HEADERS}
    positions: dict[str, int] = {}
    ignored: list[str] = []
    for position, name in enumerate(folded):
        column = known.get(name)
        if column is None or (name in _WEAK_HEADERS and column in strongly_named):
            ignored.append(_label(header[position]) or f"#{position + 1}")
        elif column in positions:
            both = [_label(header[positions[column]]), _label(header[position])]
            raise DuplicateColumn(column=column, headers=both)
        else:
            positions[column] = position
    missing = [column for column in REQUIRED_COLUMNS if column not in positions]
    if missing:
        raise MissingColumn(missing=missing, found=[_label(cell) for cell in header[:30]])
    columns = {column: _label(header[position]) for column, position in positions.items()}
    return HeaderMap(positions, columns, tuple(ignored), len(header))


def _label(cell: str) -> str:
    """Give a header cell for showing: one line, at most 60 characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in cell).split())[:60]

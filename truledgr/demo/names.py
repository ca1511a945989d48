"""Names of people by culture, and where such people live. Data only.

A name whose letters do not come apart into ASCII carries its spelling for usernames after ``|``.
"""

# ruff: noqa: RUF001 (letters of other alphabets)

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    country: str
    city: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Culture:
    locale: str
    places: tuple[Place, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]


CULTURES = (
    Culture(
        "en-GB",
        (
            Place("GB", "London", "Europe/London"),
            Place("GB", "Edinburgh", "Europe/London"),
            Place("IE", "Dublin", "Europe/Dublin"),
        ),
        (
            "Alice", "Oliver", "Amelia", "Harry", "Isla", "George", "Freya", "Arthur", "Imogen",
            "Callum", "Niamh", "Rhys",
        ),
        (
            "Whitaker", "Okafor", "Marsh", "Pemberton", "Hughes", "O'Sullivan", "Campbell",
            "Ashworth", "Lockwood", "Fraser", "Bennett", "Doyle",
        ),
    ),
    Culture(
        "en-US",
        (
            Place("US", "Chicago", "America/Chicago"),
            Place("US", "Seattle", "America/Los_Angeles"),
            Place("US", "Boston", "America/New_York"),
            Place("CA", "Toronto", "America/Toronto"),
        ),
        (
            "Emma", "Liam", "Olivia", "Noah", "Ava", "Ethan", "Harper", "Mason", "Zoe", "Caleb",
            "Naomi", "Tyrone",
        ),
        (
            "Johnson", "Nguyen", "Ramirez", "Goldberg", "Washington", "Kowalski", "Brooks",
            "Delgado", "Patterson", "Whitehorse", "Sandoval", "Reed",
        ),
    ),
    Culture(
        "de",
        (
            Place("DE", "Berlin", "Europe/Berlin"),
            Place("DE", "Hamburg", "Europe/Berlin"),
            Place("AT", "Wien", "Europe/Vienna"),
            Place("CH", "Zürich", "Europe/Zurich"),
        ),
        (
            "Anna", "Jonas", "Lea", "Lukas", "Mia", "Felix", "Sophie", "Jürgen", "Käthe", "Moritz",
            "Ayşe", "Matthias",
        ),
        (
            "Müller", "Schneider", "Weiß|weiss", "Hoffmann", "Yılmaz|yilmaz", "Köhler", "Brandt",
            "Vogel", "Schäfer", "Lindner", "Krüger", "Bauer",
        ),
    ),
    Culture(
        "fr",
        (
            Place("FR", "Paris", "Europe/Paris"),
            Place("FR", "Lyon", "Europe/Paris"),
            Place("BE", "Bruxelles", "Europe/Brussels"),
            Place("SN", "Dakar", "Africa/Dakar"),
        ),
        (
            "Camille", "Louis", "Chloé", "Hugo", "Inès", "Gaël", "Zoë", "Mathéo", "Aïcha",
            "François", "Élodie", "Mamadou",
        ),
        (
            "Lefèvre", "Moreau", "Dubois", "Benali", "Girard", "Diallo", "Rousseau", "Faure",
            "Mercier", "N'Diaye", "Blanchard", "Peeters",
        ),
    ),
    Culture(
        "es",
        (
            Place("ES", "Madrid", "Europe/Madrid"),
            Place("ES", "Sevilla", "Europe/Madrid"),
            Place("MX", "Ciudad de México", "America/Mexico_City"),
            Place("AR", "Buenos Aires", "America/Argentina/Buenos_Aires"),
        ),
        (
            "Lucía", "Mateo", "Sofía", "Santiago", "Martín", "Valentina", "Íñigo", "Ximena",
            "Begoña", "Andrés", "Jimena", "Raúl",
        ),
        (
            "García", "Fernández", "Muñoz", "Ibáñez", "Quispe", "Castillo", "Navarro", "Ortega",
            "Rojas", "Vidal", "Peña", "Sepúlveda",
        ),
    ),
    Culture(
        "pt-BR",
        (
            Place("BR", "São Paulo", "America/Sao_Paulo"),
            Place("BR", "Recife", "America/Recife"),
            Place("PT", "Lisboa", "Europe/Lisbon"),
        ),
        (
            "João", "Beatriz", "Rafael", "Larissa", "Thiago", "Conceição", "Caio", "Júlia",
            "Vinícius", "Helena", "Inácio", "Tainá",
        ),
        (
            "Silva", "Souza", "Araújo", "Gonçalves", "Carvalho", "Magalhães", "Nogueira", "Pires",
            "Barbosa", "Antunes", "Teixeira", "Lobo",
        ),
    ),
    Culture(
        "pl",
        (
            Place("PL", "Warszawa", "Europe/Warsaw"),
            Place("PL", "Kraków", "Europe/Warsaw"),
            Place("CZ", "Brno", "Europe/Prague"),
        ),
        (
            "Zofia", "Łukasz|lukasz", "Agnieszka", "Paweł|pawel", "Małgorzata|malgorzata", "Jakub",
            "Jiří", "Ondřej", "Wojciech", "Barbora",
        ),
        (
            "Nowak", "Wiśniewska", "Dąbrowski", "Zieliński", "Kaczmarek", "Svoboda", "Dvořák",
            "Procházka", "Wróbel", "Sikora",
        ),
    ),
    Culture(
        "sv",
        (
            Place("SE", "Stockholm", "Europe/Stockholm"),
            Place("DK", "København", "Europe/Copenhagen"),
            Place("NO", "Bergen", "Europe/Oslo"),
            Place("FI", "Tampere", "Europe/Helsinki"),
        ),
        (
            "Astrid", "Björn", "Søren|soren", "Ingrid", "Åse", "Mikael", "Aino", "Väinö", "Freja",
            "Gösta", "Leif", "Saga",
        ),
        (
            "Lindqvist", "Sjöberg", "Kjær|kjaer", "Østergaard|ostergaard", "Hansen", "Virtanen",
            "Mäkinen", "Bergström", "Dahl", "Holm", "Nyström", "Strand",
        ),
    ),
    Culture(
        "it",
        (
            Place("IT", "Milano", "Europe/Rome"),
            Place("IT", "Napoli", "Europe/Rome"),
            Place("IT", "Torino", "Europe/Rome"),
        ),
        (
            "Giulia", "Lorenzo", "Chiara", "Matteo", "Nicolò", "Francesca", "Salvatore", "Elisa",
            "Davide", "Ludovica",
        ),
        (
            "Rossi", "Bianchi", "Esposito", "D'Angelo", "Ferrari", "Conti", "Marchetti", "Greco",
            "De Luca", "Fontana",
        ),
    ),
    Culture(
        "uk",
        (
            Place("UA", "Київ", "Europe/Kyiv"),
            Place("UA", "Львів", "Europe/Kyiv"),
        ),
        (
            "Олена|olena", "Андрій|andrii", "Юлія|yuliia", "Тарас|taras", "Марія|mariia",
            "Богдан|bohdan", "Ірина|iryna", "Петро|petro",
        ),
        (
            "Шевченко|shevchenko", "Коваленко|kovalenko", "Бондар|bondar", "Мельник|melnyk",
            "Ткачук|tkachuk", "Гончар|honchar", "Лисенко|lysenko", "Савчук|savchuk",
        ),
    ),
    Culture(
        "ar",
        (
            Place("EG", "القاهرة", "Africa/Cairo"),
            Place("MA", "الدار البيضاء", "Africa/Casablanca"),
            Place("AE", "دبي", "Asia/Dubai"),
        ),
        (
            "ليلى|layla", "يوسف|youssef", "مريم|maryam", "عمر|omar", "نور|nour", "خالد|khaled",
            "سلمى|salma", "حسن|hassan",
        ),
        (
            "المصري|elmasry", "حداد|haddad", "منصور|mansour", "الفاسي|elfassi", "صالح|saleh",
            "نجار|najjar", "رحماني|rahmani", "خوري|khoury",
        ),
    ),
    Culture(
        "hi",
        (
            Place("IN", "Bengaluru", "Asia/Kolkata"),
            Place("IN", "Mumbai", "Asia/Kolkata"),
            Place("IN", "Kolkata", "Asia/Kolkata"),
        ),
        (
            "Aarav", "Priya", "Rohan", "Ananya", "Vikram", "Lakshmi", "Arjun", "Meera", "Imran",
            "Kavya", "Sanjay", "Divya",
        ),
        (
            "Sharma", "Iyer", "Banerjee", "Reddy", "Khan", "Patel", "Nair", "Chatterjee", "Singh",
            "Kulkarni", "Fernandes", "Das",
        ),
    ),
    Culture(
        "ja",
        (
            Place("JP", "東京", "Asia/Tokyo"),
            Place("JP", "大阪", "Asia/Tokyo"),
        ),
        (
            "美咲|misaki", "大翔|hiroto", "陽菜|hina", "健太|kenta", "さくら|sakura", "悠斗|yuto",
            "千尋|chihiro", "直樹|naoki",
        ),
        (
            "佐藤|sato", "鈴木|suzuki", "高橋|takahashi", "田中|tanaka", "渡辺|watanabe",
            "伊藤|ito", "山本|yamamoto", "小林|kobayashi",
        ),
    ),
    Culture(
        "zh-Hans",
        (
            Place("CN", "上海", "Asia/Shanghai"),
            Place("SG", "Singapore", "Asia/Singapore"),
        ),
        (
            "伟|wei", "静|jing", "磊|lei", "欣怡|xinyi", "子轩|zixuan", "雨桐|yutong", "浩|hao",
            "梅|mei",
        ),
        (
            "王|wang", "李|li", "张|zhang", "刘|liu", "陈|chen", "林|lin", "黄|huang", "周|zhou",
        ),
    ),
    Culture(
        "en-NG",
        (
            Place("NG", "Lagos", "Africa/Lagos"),
            Place("KE", "Nairobi", "Africa/Nairobi"),
            Place("ZA", "Cape Town", "Africa/Johannesburg"),
            Place("GH", "Accra", "Africa/Accra"),
        ),
        (
            "Chidi", "Ngozi", "Adaeze", "Kofi", "Wanjiru", "Thandiwe", "Sipho", "Amara", "Kwame",
            "Zainab", "Otieno", "Lindiwe",
        ),
        (
            "Adeyemi", "Okonkwo", "Mensah", "Kamau", "Dlamini", "Nkosi", "Balogun", "Wambui",
            "Boateng", "Abiola", "Van der Merwe", "Mokoena",
        ),
    ),
)  # fmt: skip

BIOS = (
    "Keeps the books and the coffee machine running.",
    "Writes documentation that people read.",
    "Ten years in logistics, two in software.",
    "Asks the question that nobody else dares to ask.",
    "Runs the on-call rota. Sleeps well, thank you.",
    "Part-time; here on Mondays, Tuesdays and Thursdays.",
    "Looks after customers in three languages.",
    "Security first, cycling second.",
    "Joined from the warehouse team, now in planning.",
    "Gärtnert am Wochenende.",
    "Aime les tableaux bien rangés.",
    "猫が好きです。",
)

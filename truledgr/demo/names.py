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
    latitude: float
    longitude: float


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
            Place("GB", "London", "Europe/London", 51.51, -0.13),
            Place("GB", "Edinburgh", "Europe/London", 55.95, -3.19),
            Place("IE", "Dublin", "Europe/Dublin", 53.35, -6.26),
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
            Place("US", "Chicago", "America/Chicago", 41.88, -87.63),
            Place("US", "Seattle", "America/Los_Angeles", 47.61, -122.33),
            Place("US", "Boston", "America/New_York", 42.36, -71.06),
            Place("CA", "Toronto", "America/Toronto", 43.65, -79.38),
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
            Place("DE", "Berlin", "Europe/Berlin", 52.52, 13.4),
            Place("DE", "Hamburg", "Europe/Berlin", 53.55, 9.99),
            Place("AT", "Wien", "Europe/Vienna", 48.21, 16.37),
            Place("CH", "Zürich", "Europe/Zurich", 47.37, 8.54),
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
            Place("FR", "Paris", "Europe/Paris", 48.86, 2.35),
            Place("FR", "Lyon", "Europe/Paris", 45.76, 4.84),
            Place("BE", "Bruxelles", "Europe/Brussels", 50.85, 4.35),
            Place("SN", "Dakar", "Africa/Dakar", 14.69, -17.45),
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
            Place("ES", "Madrid", "Europe/Madrid", 40.42, -3.7),
            Place("ES", "Sevilla", "Europe/Madrid", 37.39, -5.99),
            Place("MX", "Ciudad de México", "America/Mexico_City", 19.43, -99.13),
            Place("AR", "Buenos Aires", "America/Argentina/Buenos_Aires", -34.6, -58.38),
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
            Place("BR", "São Paulo", "America/Sao_Paulo", -23.55, -46.63),
            Place("BR", "Recife", "America/Recife", -8.05, -34.88),
            Place("PT", "Lisboa", "Europe/Lisbon", 38.72, -9.14),
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
            Place("PL", "Warszawa", "Europe/Warsaw", 52.23, 21.01),
            Place("PL", "Kraków", "Europe/Warsaw", 50.06, 19.94),
            Place("CZ", "Brno", "Europe/Prague", 49.2, 16.61),
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
            Place("SE", "Stockholm", "Europe/Stockholm", 59.33, 18.07),
            Place("DK", "København", "Europe/Copenhagen", 55.68, 12.57),
            Place("NO", "Bergen", "Europe/Oslo", 60.39, 5.32),
            Place("FI", "Tampere", "Europe/Helsinki", 61.5, 23.76),
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
            Place("IT", "Milano", "Europe/Rome", 45.46, 9.19),
            Place("IT", "Napoli", "Europe/Rome", 40.85, 14.27),
            Place("IT", "Torino", "Europe/Rome", 45.07, 7.69),
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
            Place("UA", "Київ", "Europe/Kyiv", 50.45, 30.52),
            Place("UA", "Львів", "Europe/Kyiv", 49.84, 24.03),
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
            Place("EG", "القاهرة", "Africa/Cairo", 30.04, 31.24),
            Place("MA", "الدار البيضاء", "Africa/Casablanca", 33.57, -7.59),
            Place("AE", "دبي", "Asia/Dubai", 25.2, 55.27),
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
            Place("IN", "Bengaluru", "Asia/Kolkata", 12.97, 77.59),
            Place("IN", "Mumbai", "Asia/Kolkata", 19.08, 72.88),
            Place("IN", "Kolkata", "Asia/Kolkata", 22.57, 88.36),
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
            Place("JP", "東京", "Asia/Tokyo", 35.68, 139.69),
            Place("JP", "大阪", "Asia/Tokyo", 34.69, 135.5),
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
            Place("CN", "上海", "Asia/Shanghai", 31.23, 121.47),
            Place("SG", "Singapore", "Asia/Singapore", 1.35, 103.82),
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
            Place("NG", "Lagos", "Africa/Lagos", 6.52, 3.38),
            Place("KE", "Nairobi", "Africa/Nairobi", -1.29, 36.82),
            Place("ZA", "Cape Town", "Africa/Johannesburg", -33.92, 18.42),
            Place("GH", "Accra", "Africa/Accra", 5.6, -0.19),
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

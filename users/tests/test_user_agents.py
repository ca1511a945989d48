import pytest

from users.models import DeviceType
from users.user_agents import describe

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"  # noqa: E501
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"  # noqa: E501
PIXEL = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"  # noqa: E501
GALAXY_TAB = "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36"  # noqa: E501
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.mark.parametrize(
    ("header", "device_type", "browser", "os"),
    [
        (CHROME, DeviceType.DESKTOP, "Chrome 126", "Windows 10"),
        (IPAD, DeviceType.TABLET, "Mobile Safari 17", "iOS 17.5"),
        (PIXEL, DeviceType.MOBILE, "Chrome Mobile 126", "Android 14"),
        (GALAXY_TAB, DeviceType.TABLET, "Chrome 125", "Android 13"),
        (FIREFOX, DeviceType.DESKTOP, "Firefox 127", "Linux"),
        (GOOGLEBOT, DeviceType.BOT, "Googlebot 2", ""),
        ("curl/8.5.0", DeviceType.OTHER, "curl 8", ""),
        ("", DeviceType.OTHER, "", ""),
    ],
)
def test_a_header_names_device_browser_and_system(header, device_type, browser, os):
    agent = describe(header)

    assert (agent.device_type, agent.browser, agent.os) == (device_type, browser, os)


@pytest.mark.parametrize(
    "header", ["x" * 10_240, "\x00\x1b[31m", "Mozilla/5.0 (" * 500, "🦄" * 600]
)
def test_garbage_does_no_harm(header):
    agent = describe(header)

    assert len(agent.browser) <= 64
    assert len(agent.os) <= 64

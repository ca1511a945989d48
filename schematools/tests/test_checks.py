from schematools.checks import check_settings


def test_settings_that_cannot_be_understood_are_an_error(settings):
    assert check_settings() == []

    settings.SCHEMATOOLS = {"OUTPUTS": "docs"}
    (message,) = check_settings()

    assert message.id == "schematools.E001"
    assert "Did you mean 'OUTPUT'" in message.msg

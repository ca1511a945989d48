from modeltranslation.translator import TranslationOptions, register

from zoo.models import Enclosure


@register(Enclosure)
class EnclosureTranslation(TranslationOptions):
    fields = ("name",)

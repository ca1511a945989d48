"""The pages of second factors: one module a noun."""

from authentication.views.codes import OTPView
from authentication.views.enrolment import EnrolView
from authentication.views.second_factors import (
    BackupCodesView,
    RemoveFactorView,
    RenameFactorView,
    SecondFactorsView,
)
from authentication.views.step_up import StepUpView

__all__ = [
    "BackupCodesView",
    "EnrolView",
    "OTPView",
    "RemoveFactorView",
    "RenameFactorView",
    "SecondFactorsView",
    "StepUpView",
]

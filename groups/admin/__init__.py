"""Groups, as staff look after them: importing the modules registers their pages."""

from groups.admin.groups import GroupAdmin
from groups.admin.invitations import InvitationAdmin
from groups.admin.memberships import MembershipAdmin

__all__ = ["GroupAdmin", "InvitationAdmin", "MembershipAdmin"]

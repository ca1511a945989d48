"""The flows of signing in and of one's account, alike for browsers and apps."""

# ruff: noqa: E501 (a row on a line)

TABLE = """
#                                                                ano str mem vie adm own aud sta sup exp del
DELETE api/auth/{client}/v1/account/email                        401 400 400 400 400 400 400 400 400 400 401
GET    api/auth/{client}/v1/account/email                        401 200 200 200 200 200 200 200 200 200 401
PATCH  api/auth/{client}/v1/account/email                        401 400 400 400 400 400 400 400 400 400 401
POST   api/auth/{client}/v1/account/email                        409 400 400 400 400 400 400 400 400 400 409
PUT    api/auth/{client}/v1/account/email                        401 400 400 400 400 400 400 400 400 400 401
GET    api/auth/{client}/v1/account/passkeys                     401 200 200 200 200 200 200 200 200 200 401
POST   api/auth/{client}/v1/account/passkeys                     401 401 401 401 401 401 401 401 401 401 401
POST   api/auth/{client}/v1/account/passkeys/complete            401 401 401 401 401 401 401 401 401 401 401
DELETE api/auth/{client}/v1/account/passkeys/{id}                401 401 401 401 401 401 401 401 401 401 401
PATCH  api/auth/{client}/v1/account/passkeys/{id}                401 401 401 401 401 401 401 401 401 401 401
POST   api/auth/{client}/v1/account/password/change              401 400 400 400 400 400 400 400 400 400 401
DELETE api/auth/{client}/v1/account/providers                    401 400 400 400 400 400 400 400 400 400 401
GET    api/auth/{client}/v1/account/providers                    401 200 200 200 200 200 200 200 200 200 401
GET    api/auth/{client}/v1/account/second-factors               401 200 200 200 200 200 200 200 200 200 401
POST   api/auth/{client}/v1/account/second-factors               401 401 401 401 401 401 401 401 401 401 401
POST   api/auth/{client}/v1/account/second-factors/backup-codes  401 401 401 401 401 401 401 401 401 401 401
DELETE api/auth/{client}/v1/account/second-factors/{id}          401 401 401 401 401 401 401 401 401 401 401
PATCH  api/auth/{client}/v1/account/second-factors/{id}          401 401 401 401 401 401 401 401 401 401 401
POST   api/auth/{client}/v1/account/second-factors/{id}          401 401 401 401 401 401 401 401 401 401 401
GET    api/auth/{client}/v1/auth/email/verify                    409 409 409 409 409 409 409 409 409 409 409
POST   api/auth/{client}/v1/auth/email/verify                    409 409 409 409 409 409 409 409 409 409 409
POST   api/auth/{client}/v1/auth/email/verify/resend             409 409 409 409 409 409 409 409 409 409 409
GET    api/auth/{client}/v1/auth/enrol                           401 401 401 401 401 401 401 401 401 401 401
POST   api/auth/{client}/v1/auth/enrol                           401 401 401 401 401 401 401 401 401 401 401
POST   api/auth/{client}/v1/auth/login                           400 400 400 400 400 400 400 400 400 400 400
GET    api/auth/{client}/v1/auth/otp                             401 401 401 401 401 401 401 401 401 401 401
POST   api/auth/{client}/v1/auth/otp                             401 401 401 401 401 401 401 401 401 401 401
POST   api/auth/{client}/v1/auth/passkey                         401 400 400 400 400 400 400 400 400 400 401
POST   api/auth/{client}/v1/auth/passkey/options                 401 409 409 409 409 409 409 409 409 409 401
POST   api/auth/{client}/v1/auth/password/request                400 400 400 400 400 400 400 400 400 400 400
GET    api/auth/{client}/v1/auth/password/reset                  400 400 400 400 400 400 400 400 400 400 400
POST   api/auth/{client}/v1/auth/password/reset                  400 400 400 400 400 400 400 400 400 400 400
POST   api/auth/{client}/v1/auth/provider/redirect               401 401 401 401 401 401 401 401 401 401 401
GET    api/auth/{client}/v1/auth/provider/signup                 409 409 409 409 409 409 409 409 409 409 409
POST   api/auth/{client}/v1/auth/provider/signup                 409 409 409 409 409 409 409 409 409 409 409
POST   api/auth/{client}/v1/auth/provider/token                  400 400 400 400 400 400 400 400 400 400 400
GET    api/auth/{client}/v1/auth/reauthenticate                  401 200 200 200 200 200 200 200 200 200 401
POST   api/auth/{client}/v1/auth/reauthenticate                  401 400 400 400 400 400 400 400 400 400 401
DELETE api/auth/{client}/v1/auth/session                         401 401 401 401 401 401 401 401 401 401 401
GET    api/auth/{client}/v1/auth/session                         401 200 200 200 200 200 200 200 200 200 401
POST   api/auth/{client}/v1/auth/signup                          400 400 400 400 400 400 400 400 400 400 400
GET    api/auth/{client}/v1/config                               200 200 200 200 200 200 200 200 200 200 200
"""

"""A server follows its alias to other versions."""

from stylefuse.serving.alias_follower import AliasFollower


def test_the_old_version_serves_on_if_the_new_one_cannot_be_loaded():
    version = "1"

    def load(version):
        if version == "2":
            raise OSError("half of it is missing")
        return lambda scope, receive, send: version

    app = AliasFollower(lambda: version, load)
    version = "2"
    assert not app.update()
    assert app.version == "1"
    version = "3"
    assert app.update()
    assert app.version == "3"


def test_the_old_version_serves_on_while_the_store_is_down():
    def resolve():
        if is_down:
            raise OSError("no answer")
        return "1"

    is_down = False
    app = AliasFollower(resolve, lambda version: lambda scope, receive, send: version)
    is_down = True
    assert not app.update()
    assert app.version == "1"

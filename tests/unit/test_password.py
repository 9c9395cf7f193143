"""A password is made once, and only its owner can read it."""

from stylefuse.password import read_or_create_password


def test_a_password_is_made_once(tmp_path):
    path = tmp_path / "new" / "password"
    first = read_or_create_password(path)
    assert len(first) >= 32
    assert read_or_create_password(path) == first
    assert read_or_create_password(tmp_path / "other") != first


def test_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "password"
    read_or_create_password(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    read_or_create_password(path)
    assert path.stat().st_mode & 0o777 == 0o600

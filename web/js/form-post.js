// Sends the form of a form_post answer by itself.
document.getElementById("form-post").submit();
